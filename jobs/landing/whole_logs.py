"""Files that hold all days, staged once: a night reads of them the rows of its own day.

A file is staged when it is first seen and again when it has changed; of a text file that has only grown, what is new.
All of it may be deleted: what is missing is made again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from conf.errors import LandingError
from conf.landing import ClickLog, Files, TimeColumn
from conf.whole_files import write_whole
from features.parse import instant
from jobs.landing.columns import click_source_columns, impression_source_columns
from jobs.landing.discovery import LandingFile
from jobs.landing.log_days import days_taken_with
from jobs.landing.reader import can_go_on, stage_file
from jobs.landing.text_stream import START, Place
from jobs.store.contents import MODULUS, row_hash
from jobs.store.spans import Span
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

UNKNOWN = ""
"""Stands for the day of rows whose time cannot be read."""
MOST_DAYS = 20_000
HASHED_BYTES = 16 << 20
INDEX = "index.json"
SECONDS_TO_WAIT = 3_600
"""For another process that stages the same file."""


@dataclass(frozen=True)
class DayRows:
    """Rows of one day: between which positions they stand, how many there are, and what they hold."""

    first: int
    last: int
    rows: int
    hashes: int

    def __add__(self, more: DayRows) -> DayRows:
        hashes = (self.hashes + more.hashes) % MODULUS
        return DayRows(min(self.first, more.first), max(self.last, more.last), self.rows + more.rows, hashes)


@dataclass(frozen=True)
class StagedFile:
    """What is kept of one file: its signature, how far it was read, the staged pieces, and its days."""

    signature: str
    digest: str
    end: Place
    pieces: tuple[str, ...]
    days: Mapping[str, DayRows]


@dataclass(frozen=True)
class WholeLog:
    """One kind of file without a day in its path: where it lies, which columns are read, what tells the time."""

    workspace: Workspace
    layout: Files
    columns: tuple[str, ...]
    time: TimeColumn

    @property
    def folder(self) -> Path:
        """Where the rows are kept; another one for another description."""
        said = [self.layout.model_dump(mode="json"), self.columns, self.time.model_dump(mode="json")]
        said.append(self.workspace.dataset.time_zone)
        key = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]
        return self.workspace.home.staged / self.workspace.dataset.name / key

    def brought_up_to_date(self, files: Sequence[LandingFile]) -> dict[str, StagedFile]:
        """What is kept of some files, by name, after staging what is new."""
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "lock", timeout=SECONDS_TO_WAIT):
            known = self._index()
            found = {file.name: self._staged(file, known.get(file.name)) for file in files}
            if found != known:
                self._keep(found)
        return found

    def of_day(self, files: Sequence[LandingFile], day: date) -> tuple[DataFrame, list[str], Span | None]:
        """Staged rows among which those of a day are, and the day's signatures.

        With the first of all days go the rows whose day is unknown or far from all others; it has the span of those.
        """
        from pyspark.sql import functions as F

        engine = self.workspace.engine  # first of all: without it there are no columns, and all may be staged already
        kept = self.brought_up_to_date(files)
        wanted, usual = days_taken_with(_rows_by_day(kept), day)
        pieces: list[str] = []
        inside: Column = F.lit(False)
        for name, file in kept.items():
            for span in [file.days[one] for one in wanted if one in file.days]:
                inside = inside | ((F.col("_file") == name) & F.col("_row").between(span.first, span.last))
                pieces += [str(self.folder / piece) for piece in file.pieces]
        signatures = [_signature(name, file, wanted) for name, file in kept.items()]
        everything = sorted(set(pieces)) or [str(self.folder / kept[files[0].name].pieces[0])]
        return engine.read.parquet(*everything).where(inside), signatures, usual

    def signatures(self, files: Sequence[LandingFile], day: date) -> list[str]:
        """What the files hold of a day, as `of_day` says it. A day that is gone from them has none."""
        kept = self.brought_up_to_date(files)
        if not any(day.isoformat() in file.days for file in kept.values()):
            return []
        wanted, _ = days_taken_with(_rows_by_day(kept), day)
        return [_signature(name, file, wanted) for name, file in kept.items()]

    def _staged(self, file: LandingFile, known: StagedFile | None) -> StagedFile:
        if known is None or known.signature == file.signature:
            return known or self._read(file, START)
        size, end = file.path.stat().st_size, known.end
        if end == START or size < end.bytes or _digest(file.path, end.bytes) != known.digest:
            return self._read(file, START)
        if size == end.bytes:  # touched, not changed
            return replace(known, signature=file.signature)
        more = self._read(file, end)
        days = dict(known.days)
        for day, rows in more.days.items():
            days[day] = days[day] + rows if day in days else rows
        return replace(more, pieces=known.pieces + more.pieces, days=days)

    def _read(self, file: LandingFile, begin: Place) -> StagedFile:
        signature, size, piece = file.signature, file.path.stat().st_size, f"{uuid.uuid4().hex}.parquet"
        stage_file(file, self.layout, self.columns, self.folder / piece, begin)
        days = self._days(piece, file)
        if not can_go_on(file, self.layout) or file.signature != signature:  # or it grew under our eyes
            return StagedFile(signature, "", START, (piece,), days)
        header = 0 if self.layout.header or self.layout.format == "jsonl" else 1
        last = max((rows.last for rows in days.values()), default=begin.row or header)
        return StagedFile(signature, _digest(file.path, size), Place(size, last), (piece,), days)

    def _days(self, piece: str, file: LandingFile) -> dict[str, DayRows]:
        from pyspark.sql import functions as F

        staged = self.workspace.engine.read.parquet(str(self.folder / piece))
        zone = self.workspace.dataset.time_zone
        day = F.to_date(F.from_utc_timestamp(instant(self.time, zone), zone)).cast("string")
        hashed = staged.select(
            F.coalesce(day, F.lit(UNKNOWN)).alias("day"),
            "_row",
            row_hash(staged.drop("_file", "_row"), None).cast("decimal(20,0)").alias("hash"),
        )
        found = (
            hashed.groupBy("day")
            .agg(
                F.min("_row").alias("first"),
                F.max("_row").alias("last"),
                F.count(F.lit(1)).alias("rows"),
                F.sum("hash").alias("hashes"),
            )
            .collect()
        )
        if len(found) > MOST_DAYS:
            raise LandingError(
                f"{file.path}: the times in `{self.time.column}` lie on {len(found):,} different days. "
                "Correct the unit, pattern or zone of `time` in the data set's description."
            )
        return {
            row["day"]: DayRows(row["first"], row["last"], row["rows"], int(row["hashes"]) % MODULUS) for row in found
        }

    def rows_by_day(self) -> dict[str, int]:
        """How many rows have been staged so far, by the name of their day."""
        return _rows_by_day(self._index())

    def _index(self) -> dict[str, StagedFile]:
        try:
            content = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
            found = {
                name: StagedFile(
                    kept["signature"],
                    kept["digest"],
                    Place(**kept["end"]),
                    tuple(kept["pieces"]),
                    {day: DayRows(**rows) for day, rows in kept["days"].items()},
                )
                for name, kept in content.items()
            }
        except (OSError, ValueError, KeyError, TypeError):  # missing or damaged: it is made again
            return {}
        return {name: file for name, file in found.items() if all((self.folder / one).is_file() for one in file.pieces)}

    def _keep(self, files: Mapping[str, StagedFile]) -> None:
        write_whole(self.folder / INDEX, json.dumps({name: asdict(file) for name, file in files.items()}))
        named = {piece for file in files.values() for piece in file.pieces}
        for piece in self.folder.glob("*.parquet"):
            if piece.name not in named:
                piece.unlink()
        for other in self.folder.parent.iterdir():  # kept for another description
            if other != self.folder and not self._used(other):
                shutil.rmtree(other, ignore_errors=True)

    def _used(self, folder: Path) -> bool:
        """Whether a folder belongs to another kind of file of the same data set."""
        return folder.name in {log.folder.name for log in whole_logs(self.workspace).values()}


def whole_logs(workspace: Workspace) -> dict[str, WholeLog]:
    """The logs of a data set whose files hold all days, by what they are of."""
    dataset, found = workspace.dataset, {}
    if not dataset.impressions.dated:
        shown = WholeLog(
            workspace, dataset.impressions, tuple(impression_source_columns(dataset)), dataset.impressions.time
        )
        found["impressions"] = shown
        if dataset.replayed:
            found["candidates"] = shown
    if isinstance(dataset.label, ClickLog) and not dataset.label.dated:
        found["clicks"] = WholeLog(
            workspace, dataset.label, tuple(click_source_columns(dataset.label)), dataset.label.time
        )
    return found


def _rows_by_day(files: Mapping[str, StagedFile]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for file in files.values():
        for name, rows in file.days.items():
            counts[name] = counts.get(name, 0) + rows.rows
    return counts


def _signature(name: str, file: StagedFile, wanted: Sequence[str]) -> str:
    """What a file holds of some days, wherever in it: rows that move do not change it."""
    rows = [file.days[day] for day in wanted if day in file.days]
    return f"{name}:{sum(one.rows for one in rows)}:{sum(one.hashes for one in rows) % MODULUS:016x}"


def _digest(path: Path, size: int) -> str:
    """A digest of a file's first bytes."""
    found, left = hashlib.sha256(), size
    with path.open("rb") as stream:
        while left and (block := stream.read(min(left, HASHED_BYTES))):
            found.update(block)
            left -= len(block)
    return found.hexdigest()
