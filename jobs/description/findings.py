"""What is wrong with a description or its files, and what looks suspicious: rows that cannot be used, times, joins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Literal

from conf.dataset import Dataset
from conf.landing import ClickLog, Impressions, InlineLabel, TimeColumn
from features.parse import no_number
from jobs.description.sampling import Sample
from jobs.description.times import spelling_of
from jobs.landing.discovery import pattern_for

if TYPE_CHECKING:
    import pandas as pd

FEW_REJECTS = 0.02
"""The data gate's default share of rejected rows: more of them would stop every night."""
FEW_DUPLICATES = 0.01
MANY_DUPLICATES = 0.2
FEW_MATCHES = 0.5
LEAST_ROWS = 20
"""Fewer rows than this say nothing about a share."""
BACKWARDS = timedelta(minutes=5)
DELAY_SHARE = 0.01
EXAMPLES = 3
NO_LABEL = "no label in the row"
NO_USER = "no user_id in the row"


@dataclass(frozen=True)
class Finding:
    """One sentence about one kind of file (or the whole description), wrong or only suspicious."""

    level: Literal["wrong", "suspicious"]
    source: str
    text: str


def wrong(source: str, text: str) -> Finding:
    """A finding with which no night can run, or none that means anything."""
    return Finding("wrong", source, text)


def suspicious(source: str, text: str) -> Finding:
    """A finding that a person should look at."""
    return Finding("suspicious", source, text)


def quoted(values: Iterable[object]) -> str:
    """A few different values for a sentence."""
    return ", ".join(f"`{value}`" for value in islice(dict.fromkeys(values), EXAMPLES))


def share(part: float) -> str:
    """A share in words of its size."""
    return f"{part:.0%}" if part >= 0.01 or part == 0 else f"{part:.2%}"


def file_findings(sample: Sample) -> list[Finding]:
    """Files that are not there or cannot be read, and columns that they do not have."""
    source, layout = sample.kind.source, sample.kind.layout
    if not sample.files:
        example = f", for example {pattern_for(layout, date(2026, 1, 31))}" if layout.dated else ""
        return [wrong(source, f"no file matches `{layout.files}`{example}")]
    if sample.problem:
        return [wrong(source, sample.problem)]
    found = []
    for name in sample.missing:
        wanted = layout.rename.get(name, name)
        lower = {other.lower(): other for other in sample.names}
        near = get_close_matches(wanted.lower(), lower, n=1, cutoff=0.5)
        hint = f"; did you mean `{lower[near[0]]}`?" if near else f"; the file has: {', '.join(sample.names)}"
        found.append(wrong(source, f"{sample.files[0].name} has no column `{wanted}`{hint}"))
    if isinstance(layout, Impressions):
        for name in layout.outcomes:
            if name not in sample.names and layout.rename.get(name, name) not in sample.names:
                found.append(suspicious(source, f"the outcome `{name}` is no column of {sample.files[0].name}"))
    if sample.parsed is not None and sample.parsed.empty:
        asked = " that `where` asks for" if layout.where else ""
        found.append(wrong(source, f"the files hold no rows{asked}"))
    return found


def row_findings(sample: Sample, time: TimeColumn | None, label: InlineLabel | None) -> list[Finding]:
    """Rows that a night would send to quarantine, by reason."""
    assert sample.raw is not None and sample.parsed is not None
    found = _label_findings(sample, label) if label is not None else []
    rows, numbers = len(sample.parsed), {no_number(name) for name in sample.kind.columns}
    for reason, count in sample.parsed["_reject"].value_counts().items():
        part, words = count / rows, str(reason)
        if (found and words == NO_LABEL) or words in numbers:
            continue  # said elsewhere, in better words
        values = sample.raw.loc[(sample.parsed["_reject"] == reason).to_numpy()]
        if time is not None and words == f"time in {time.column} cannot be read":
            words = _unread_times(values[time.column], time)
        elif sample.parsed["_text"].notna().any() and "fields where the header has" in words:
            words += f", e.g. `{values['_text'].iloc[0][:80]}`; check the delimiter and `header`"
        elif words == NO_USER:
            words += "; where that is no fault, say what stands for the user: `anonymous: guest`"
        found.append(rejects_finding(sample, part, f"{share(part)} of the rows cannot be used: {words}"))
    return found


def rejects_finding(sample: Sample, part: float, text: str) -> Finding:
    """A finding about a share of rows that cannot be used: wrong where the data gate would stop the night for it."""
    allowed = FEW_REJECTS if sample.kind.source in ("impressions", "clicks") else 0.5
    return (wrong if part > allowed else suspicious)(sample.kind.source, text)


def _unread_times(values: pd.Series, time: TimeColumn) -> str:
    texts = [str(value) for value in values.dropna()]
    if not texts:
        return f"`{time.column}` is empty"
    spelling = spelling_of(texts)
    hint = f"; looks like {spelling.words}: `time: {spelling.to_yaml(time.column)}`" if spelling else ""
    asked = time.pattern or {"text": "ISO 8601 text"}.get(time.unit, f"a number of {time.unit}")
    return f"`{time.column}` is not {asked}, e.g. {quoted(texts)}{hint}"


def _label_findings(sample: Sample, label: InlineLabel) -> list[Finding]:
    assert sample.raw is not None
    said = sample.raw[label.column].dropna().str.strip()
    values = said.value_counts()
    if label.clicked_if != "value":
        return _told_otherwise(sample, label)
    if len(values) > 2:
        hint = "" if label.clicked in values.index else f"; `{label.clicked}`, meant to be a click, is none of them"
        text = f"`{label.column}` has {len(values)} values, e.g. {quoted(values.index)}, where a label has two{hint}"
        return [
            wrong(
                "impressions",
                text + "; name the value that means a click (`clicked:`), or say what does (`clicked_if:`)",
            )
        ]
    if sample.usable.empty and label.clicked in values.index:
        return []
    clicks = sample.usable["clicked"].sum()
    if not clicks:
        text = f"no row is clicked: `{label.column}` holds {quoted(values.index)}, a click is `{label.clicked}`"
        return [wrong("impressions", text)]
    if clicks == len(sample.usable):
        return [wrong("impressions", f"every row is clicked: `{label.column}` holds {quoted(values.index)} alone")]
    return []


def _told_otherwise(sample: Sample, label: InlineLabel) -> list[Finding]:
    """Labels that are told by any value, or by a number above 0: none or all of the rows are clicked."""
    rate = sample.usable["clicked"].mean() if len(sample.usable) else 0.5
    if 0 < rate < 1:
        return []
    assert sample.raw is not None
    examples = quoted(sample.raw[label.column].dropna()) or "nothing"
    said = "every row" if rate else "no row"
    text = f"{said} is clicked: `{label.column}` holds {examples}, and a click is `clicked_if: {label.clicked_if}`"
    return [wrong("impressions", text)]


def time_findings(sample: Sample, column: str, dataset: Dataset) -> list[Finding]:
    """Times that no log has: far from the day that the path tells, far from today's world, or all alike."""
    rows, source = sample.usable, sample.kind.source
    if rows.empty:
        return []
    found = []
    times = rows[column]
    if times.min().year < 1995 or times.max().year > 2060:
        assert sample.raw is not None
        name = (dataset.impressions.time if source == "impressions" else dataset.label.time).column  # type: ignore[union-attr]
        texts = [str(value) for value in sample.raw[name].dropna().head(500)]
        spelling = spelling_of(texts)
        hint = f"{quoted(texts[:1])} looks like {spelling.words}" if spelling else "does it count from an `origin`?"
        found.append(wrong(source, f"times lie between {times.min():%Y-%m-%d} and {times.max():%Y-%m-%d}; {hint}"))
    elif times.nunique() == 1 and len(rows) >= LEAST_ROWS:
        found.append(suspicious(source, f"every row has the same time, {times.iloc[0]}"))
    elif sample.kind.layout.dated:
        found += _reach_findings(sample, dataset)
    backwards = rows.groupby("_file")[column].diff() < -BACKWARDS
    if backwards.mean() > 0.01:
        text = f"{share(float(backwards.mean()))} of the rows are earlier than the row before: not in order of time"
        found.append(suspicious(source, text + " (harmless, if the times are right)"))
    return found


def _reach_findings(sample: Sample, dataset: Dataset) -> list[Finding]:
    import pandas as pd

    days = {file.name: file.day for file in sample.files}
    arrived = pd.to_datetime(sample.usable["_file"].map(days))
    shown = pd.to_datetime(sample.usable["dt"])
    late = (arrived - shown).dt.days
    out = (late < 0) | (late > dataset.late_days)
    if not out.any():
        return []
    row = sample.usable[out].iloc[0]
    text = f"{share(float(out.mean()))} of the rows would be rejected: {row['_file']} holds rows of {row['dt']}"
    report = wrong if out.mean() > FEW_REJECTS else suspicious
    return [report(sample.kind.source, f"{text}; check `time_zone` ({dataset.time_zone}), `{{date}}` and `late_days`")]


def identity_findings(sample: Sample, dataset: Dataset) -> list[Finding]:
    """Impressions that repeat each other's id, and ids with one row each."""
    rows = sample.usable
    if len(rows) < LEAST_ROWS:
        return []
    found = []
    doubled = float(rows["impression_id"].duplicated().mean())
    if doubled > FEW_DUPLICATES:
        text = f"{share(doubled)} of the rows repeat an id ({', '.join(dataset.impressions.id)}) and count once"
        report = wrong if doubled > MANY_DUPLICATES else suspicious
        found.append(report("impressions", f"{text}; if they are different impressions, add a column to `id`"))
    for name in dataset.user_and_ad:
        if rows[name].nunique() > 0.98 * len(rows) and len(rows) >= 5 * LEAST_ROWS:
            found.append(suspicious("impressions", f"nearly every row has a {name} of its own: is it a row's id?"))
    return found


def click_findings(impressions: Sample, clicks: Sample, log: ClickLog, dataset: Dataset) -> list[Finding]:
    """Clicks without impression, before it, or too late for the window."""
    shown, clicked = impressions.usable, clicks.usable
    # Where the samples are cut, only clicks between the impressions' first and last time can be expected to match.
    reached = clicked if impressions.whole else clicked[clicked["click_time"] <= shown["event_time"].max()]
    if len(reached) < LEAST_ROWS:
        return []
    pairs = reached.merge(shown.drop_duplicates("impression_id"), on="impression_id")
    matched = reached["impression_id"].isin(shown["impression_id"]).mean()
    if matched < FEW_MATCHES:
        named, known = (quoted(list(rows["impression_id"])) for rows in (reached, shown))
        report = wrong if matched < DELAY_SHARE else suspicious
        text = f"only {share(float(matched))} of the clicks belong to an impression"
        found = [report("clicks", f"{text}: they name {named}, the impressions are {known}")]
    else:
        found = []
    if pairs.empty:
        return found
    delay = pairs["click_time"] - pairs["event_time"]
    early = float((delay < timedelta(0)).mean())
    if early > DELAY_SHARE:
        report = wrong if early > FEW_MATCHES else suspicious
        text = f"{share(early)} of the clicks come before their impression and do not count; check both time zones"
        found.append(report("clicks", text))
    late = float((delay > dataset.window).mean())
    if late > DELAY_SHARE:
        longest = delay.quantile(0.99).to_pytimedelta()  # type: ignore[union-attr]
        text = f"{share(late)} of the clicks come after the window of {log.window} and do not count"
        found.append(suspicious("clicks", f"{text}; 99% come within {_span(longest)}"))
    return found


def _span(delay: timedelta) -> str:
    hours = delay / timedelta(hours=1)
    if hours < 2:
        return f"{hours * 60:.0f} minutes"
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.1f} days"


def attribute_findings(sample: Sample, key: str, known: pd.Series | None) -> list[Finding]:
    """Keys that stand twice on one day, or that match nothing in `known`, the same key elsewhere in the log."""
    rows, source = sample.usable, sample.kind.source
    if rows.empty:
        return []
    found = []
    day = rows["_file"].map({file.name: file.day for file in sample.files})
    doubled = float(rows.assign(_day=day.astype(str)).duplicated(["_day", key]).mean())
    if doubled > FEW_DUPLICATES:
        text = f"{share(doubled)} of the rows repeat a `{key}` of the same day; only the first of each is used"
        found.append(suspicious(source, text))
    values = known.dropna() if known is not None else None
    if values is None or len(values) < LEAST_ROWS:
        return found
    matched = float(values.isin(rows[key]).mean())
    if matched < FEW_MATCHES:
        examples = f"{quoted(list(values.unique()))} in the log, {quoted(list(rows[key]))} in the table"
        report = wrong if matched < DELAY_SHARE and sample.whole else suspicious
        found.append(report(source, f"only {share(matched)} of the impressions find their `{key}`: {examples}"))
    return found
