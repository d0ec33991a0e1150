"""A bounded sample of each kind of landing file: as text, and as the pipeline itself reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from conf.dataset import Dataset
from conf.errors import LandingError
from conf.landing import ClickLog, Files, LandingCandidates
from features.parse import parsed_attributes, parsed_candidates, parsed_clicks, parsed_impressions
from jobs.landing.columns import (
    attribute_source_columns,
    candidate_source_columns,
    click_source_columns,
    impression_source_columns,
)
from jobs.landing.discovery import LandingFile, all_files
from jobs.landing.json_rows import json_object
from jobs.landing.reader import column_names, named_errors, rows_of
from jobs.landing.staged import staged_schema
from jobs.landing.text_stream import LINE_END, opened

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

SAMPLE_ROWS = 100_000
NAMING_BYTES = 4 << 20
NAMING_LINES = 1_000
"""JSON lines whose keys tell the columns of a file."""


@dataclass(frozen=True)
class Kind:
    """One kind of landing file that a description names, and the columns that are read from it."""

    source: str
    layout: Files
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Sample:
    """What was read of one kind: rows as text (`raw`) and as parsed, row for row, or why nothing could be read."""

    kind: Kind
    files: tuple[LandingFile, ...]
    names: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""
    whole: bool = False
    raw: pd.DataFrame | None = None
    parsed: pd.DataFrame | None = None

    @property
    def usable(self) -> pd.DataFrame:
        """The parsed rows that would not go to quarantine."""
        assert self.parsed is not None
        return self.parsed[self.parsed["_reject"].isna()]

    @property
    def unread(self) -> tuple[str, ...]:
        """Columns of the files that the description does not read."""
        layout = self.kind.layout
        sources = {layout.rename.get(name, name) for name in (*self.kind.columns, *layout.where)}
        return tuple(name for name in self.names if name and name not in sources)


def kinds_of(dataset: Dataset) -> list[Kind]:
    """Every kind of landing file of a data set, the impressions first."""
    kinds = [Kind("impressions", dataset.impressions, tuple(impression_source_columns(dataset)))]
    if isinstance(dataset.label, ClickLog):
        kinds.append(Kind("clicks", dataset.label, tuple(click_source_columns(dataset.label))))
    for name, table in dataset.attributes.items():
        kinds.append(Kind(f"attributes.{name}", table, tuple(attribute_source_columns(table))))
    if isinstance(dataset.candidates, LandingCandidates):
        kinds.append(Kind("candidates", dataset.candidates, tuple(candidate_source_columns(dataset.candidates))))
    return kinds


def sample_of(
    dataset: Dataset, kind: Kind, data: Path, engine: SparkSession, scratch: Path, rows: int = SAMPLE_ROWS
) -> Sample:
    """The first `rows` rows of a kind, in order of day and file, read and parsed as a night would."""
    files = tuple(all_files(data, kind.layout))
    if not files:
        return Sample(kind, files)
    try:
        names = tuple(names_in(files[0], kind.layout))
        missing = tuple(name for name in kind.columns if not _has(names, kind.layout.rename.get(name, name), kind))
        if missing:
            return Sample(kind, files, names, missing)
        whole = _stage_first(files, kind, scratch, rows)
    except LandingError as error:
        return Sample(kind, files, problem=str(error))
    staged = engine.read.parquet(str(scratch))
    parsed = _parsed(dataset, kind, staged).toPandas()
    raw = pq.read_table(scratch).to_pandas()
    order = ["_file", "_row"]
    return Sample(
        kind,
        files,
        names,
        whole=whole,
        raw=raw.sort_values(order).reset_index(drop=True),
        parsed=parsed.sort_values(order).reset_index(drop=True),
    )


def names_in(file: LandingFile, layout: Files) -> list[str]:
    """The columns of a file under its own names; of JSON lines the keys of the first ones, inner ones with dots."""
    if layout.format != "jsonl":
        return column_names(file, layout)
    names: dict[str, None] = {}
    with named_errors(file, layout.format), opened(file, layout) as stream:
        lines = LINE_END.split(stream.read(NAMING_BYTES))
    for line in islice((line for line in lines if line.strip()), NAMING_LINES):
        try:
            content = json_object(line)
        except ValueError:
            continue  # the reader rejects such a line, and the last one may have been cut
        names |= dict.fromkeys(_paths(content or {}))
    return list(names)


def _paths(content: dict[str, object], above: str = "") -> list[str]:
    paths = []
    for name, value in content.items():
        if isinstance(value, dict):
            paths += _paths(value, f"{above}{name}.")
        elif not isinstance(value, list):  # a list is no single value: no row could be read with it
            paths.append(f"{above}{name}")
    return paths


def _has(names: Sequence[str], source: str, kind: Kind) -> bool:
    return source in names or (kind.layout.format == "jsonl" and any(name.startswith(f"{source}.") for name in names))


def _stage_first(files: Sequence[LandingFile], kind: Kind, folder: Path, rows: int) -> bool:
    """Write the first rows to one Parquet file below `folder`; returns whether those are all there are."""
    folder.mkdir(parents=True, exist_ok=True)
    left = rows
    with pq.ParquetWriter(folder / "sample.parquet", staged_schema(kind.columns)) as writer:
        for file in files:
            for block in rows_of(file, kind.layout, kind.columns):
                writer.write_table(block.slice(0, left))
                left -= block.num_rows
                if left < 0:
                    return False
    return True


def _parsed(dataset: Dataset, kind: Kind, staged: DataFrame) -> DataFrame:
    if kind.source == "impressions":
        return parsed_impressions(staged, dataset, kind.columns)
    if kind.source == "clicks":
        return parsed_clicks(staged, dataset, kind.columns)
    if kind.source == "candidates":
        assert isinstance(dataset.candidates, LandingCandidates)
        return parsed_candidates(staged, dataset, dataset.candidates, kind.columns)
    return parsed_attributes(staged, dataset.attributes[kind.source.partition(".")[2]], kind.columns)
