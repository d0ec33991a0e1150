"""Check a description against its files: what is understood, what is wrong, what looks suspicious."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.dataset import Dataset
from conf.landing import Attributes, ClickLog, InlineLabel, LandingCandidates
from jobs.description.column_findings import column_findings, leak_findings
from jobs.description.findings import (
    LEAST_ROWS,
    Finding,
    attribute_findings,
    click_findings,
    file_findings,
    identity_findings,
    row_findings,
    suspicious,
    time_findings,
)
from jobs.description.sampling import SAMPLE_ROWS, Sample, kinds_of, sample_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from pyspark.sql import SparkSession

FIRST_ROWS = 3


@dataclass(frozen=True)
class CheckReport:
    """The outcome of a check: facts by kind of file, facts of the whole log, and findings, the wrong ones first."""

    dataset: str
    kinds: tuple[dict[str, Any], ...]
    log: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether a night can run."""
        return not any(finding.level == "wrong" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        findings = {
            level: [
                {"source": finding.source, "text": finding.text} for finding in self.findings if finding.level == level
            ]
            for level in ("wrong", "suspicious")
        }
        return {"dataset": self.dataset, "usable": self.usable, "kinds": list(self.kinds), "log": self.log, **findings}


def check(dataset: Dataset, data: Path, engine: SparkSession, rows: int = SAMPLE_ROWS) -> CheckReport:
    """Read at most `rows` rows of each kind of file below `data` and judge the description by them."""
    with tempfile.TemporaryDirectory(prefix="ctr-check-") as scratch:
        samples = {
            kind.source: sample_of(dataset, kind, data, engine, Path(scratch) / kind.source, rows)
            for kind in kinds_of(dataset)
        }
    findings = [finding for sample in samples.values() for finding in file_findings(sample)]
    read = {source: sample for source, sample in samples.items() if sample.parsed is not None and len(sample.parsed)}
    for sample in read.values():
        findings += _own_findings(sample, dataset)
    impressions = read.get("impressions")
    log: dict[str, Any] = {}
    if impressions is not None and not impressions.usable.empty:
        clicked = clicked_rows(impressions, read.get("clicks"), dataset)
        findings += identity_findings(impressions, dataset)
        findings += leak_findings(impressions, dataset.impressions.context, clicked, dataset.impressions.decimal)
        findings += _joint_findings(impressions, read, dataset)
        log = _log_facts(impressions, clicked, dataset)
    ordered = sorted(findings, key=lambda finding: finding.level != "wrong")
    kinds = tuple(_kind_facts(sample) for sample in samples.values())
    return CheckReport(dataset.name, kinds, log, tuple(ordered))


def _own_findings(sample: Sample, dataset: Dataset) -> list[Finding]:
    layout = sample.kind.layout
    if sample.kind.source == "impressions":
        log = dataset.impressions
        label = dataset.label if isinstance(dataset.label, InlineLabel) else None
        found = row_findings(sample, log.time, label) + time_findings(sample, "event_time", dataset)
        return found + column_findings(sample, log.context, log.decimal)
    if isinstance(layout, ClickLog):
        return row_findings(sample, layout.time, None) + time_findings(sample, "click_time", dataset)
    found = row_findings(sample, None, None)
    if isinstance(layout, Attributes):
        return found + column_findings(sample, layout.columns, layout.decimal) + _date_findings(sample, layout)
    assert isinstance(layout, LandingCandidates)
    return found + column_findings(sample, layout.context, layout.decimal)


def _date_findings(sample: Sample, table: Attributes) -> list[Finding]:
    assert sample.raw is not None and sample.parsed is not None
    found = []
    for name in table.dates:
        text = sample.raw[name].str.strip().replace("", None)
        unread = text[text.notna() & sample.parsed[name].isna()]
        if len(unread):
            example = f"`{name}` holds dates that are not written 2026-01-31, e.g. `{unread.iloc[0]}`"
            found.append(suspicious(sample.kind.source, f"{example}; they count as missing"))
    return found


def _joint_findings(impressions: Sample, read: dict[str, Sample], dataset: Dataset) -> list[Finding]:
    found: list[Finding] = []
    clicks = read.get("clicks")
    if clicks is not None and isinstance(dataset.label, ClickLog):
        found += click_findings(impressions, clicks, dataset.label, dataset)
    for name, table in dataset.attributes.items():
        sample = read.get(f"attributes.{name}")
        if sample is not None:
            found += attribute_findings(sample, table.key, _values_of(table.key, impressions, read))
    candidates = read.get("candidates")
    if candidates is not None:
        found += _candidate_findings(impressions, candidates, dataset)
    return found


def _values_of(key: str, impressions: Sample, read: dict[str, Sample]) -> pd.Series | None:
    """The values that an attribute table's key takes in the impressions or, failing that, in another table."""
    for sample in (impressions, *read.values()):
        if key in sample.usable.columns and (sample is impressions or sample.kind.source.startswith("attributes")):
            values: pd.Series = sample.usable[key]
            return values
    return None


def _candidate_findings(impressions: Sample, candidates: Sample, dataset: Dataset) -> list[Finding]:
    found = []
    for name in dataset.user_and_ad:
        if name not in candidates.usable.columns or candidates.usable.empty:
            continue
        known = float(candidates.usable[name].isin(impressions.usable[name]).mean())
        if known == 0 and len(candidates.usable) >= LEAST_ROWS:
            examples = f"{list(candidates.usable[name])[:3]} against {list(impressions.usable[name])[:3]}"
            found.append(suspicious("candidates", f"no {name} of the candidates stands in the impressions: {examples}"))
    return found


def clicked_rows(impressions: Sample, clicks: Sample | None, dataset: Dataset) -> np.ndarray | None:
    """The label of each usable impression of the sample, 0 or 1; None where the clicks could not be read."""
    import numpy as np

    shown = impressions.usable
    if "clicked" in shown.columns:
        return np.asarray(shown["clicked"].to_numpy(), dtype=np.int64)
    if clicks is None:
        return None
    pairs = clicks.usable.merge(shown[["impression_id", "event_time"]], on="impression_id")
    delay = pairs["click_time"] - pairs["event_time"]
    counted = pairs[(delay >= delay * 0) & (delay <= dataset.window)]["impression_id"]
    return np.asarray(shown["impression_id"].isin(counted).to_numpy(), dtype=np.int64)


def _kind_facts(sample: Sample) -> dict[str, Any]:
    """What was found of one kind of file: files, days, rows, the first rows as parsed."""
    days = sorted({file.day for file in sample.files if file.day is not None})
    facts: dict[str, Any] = {
        "source": sample.kind.source,
        "pattern": sample.kind.layout.files,
        "files": len(sample.files),
        "days": [str(days[0]), str(days[-1]), len(days)] if days else [],
        "rows": 0 if sample.parsed is None else len(sample.parsed),
        "whole": sample.whole,
        "unread": list(sample.unread),
        "first": [],
    }
    if sample.parsed is not None:
        shown = sample.usable.drop(columns=["_file", "_row", "_text", "_reject"]).head(FIRST_ROWS)
        facts["first"] = [
            {name: None if value is None or value != value else str(value) for name, value in row.items()}
            for row in shown.to_dict("records")
        ]
    return facts


def _log_facts(impressions: Sample, clicked: np.ndarray | None, dataset: Dataset) -> dict[str, Any]:
    rows, log = impressions.usable, dataset.label
    local = rows["event_time"].dt.tz_localize("UTC").dt.tz_convert(dataset.time_zone)
    facts: dict[str, Any] = {
        "impressions": len(rows),
        "first_time": f"{local.min():%Y-%m-%d %H:%M}",
        "last_time": f"{local.max():%Y-%m-%d %H:%M}",
        "zone": dataset.time_zone,
        "days": sorted({str(day) for day in rows["dt"]}),
        "clicks": None if clicked is None else int(clicked.sum()),
        "ctr": None if clicked is None else float(clicked.mean()),
        "candidates": "the next day's impressions" if dataset.replayed else "land in files of their own",
        "label": f"a click log, window {log.window}" if isinstance(log, ClickLog) else "in the impressions",
    }
    facts |= {f"{name.removesuffix('_id')}s": int(rows[name].nunique()) for name in dataset.user_and_ad}
    return facts
