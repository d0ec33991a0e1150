"""Landing files to Parquet, row by row: every wanted column as text, with where each row stood.

A row that has the wrong shape is kept with its raw text and the reason; a file that cannot be read at all is an error.
Files are read in blocks, so memory does not grow with their size.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conf.error_words import first_line
from conf.errors import LandingError
from conf.landing import Files
from jobs.landing.csv_rows import csv_columns, csv_rows
from jobs.landing.discovery import LandingFile
from jobs.landing.json_rows import json_rows
from jobs.landing.parquet_rows import parquet_columns, parquet_rows
from jobs.landing.staged import staged_schema
from jobs.landing.text_stream import START, Place

COMPRESSED = frozenset({".gz", ".bz2", ".zst", ".lz4", ".br"})
"""Endings by which Arrow tells a compressed file."""
READERS = {"csv": csv_rows, "tsv": csv_rows, "jsonl": json_rows, "parquet": parquet_rows}


def stage(files: Sequence[LandingFile], layout: Files, columns: Sequence[str], folder: Path) -> int:
    """Read landing files of one layout into Parquet files below `folder`; returns the number of rows.

    Raises:
        LandingError: a file is truncated, unreadable, or lacks a wanted column.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return sum(stage_file(file, layout, columns, folder / f"{number:05d}.parquet") for number, file in enumerate(files))


def stage_file(file: LandingFile, layout: Files, columns: Sequence[str], target: Path, begin: Place = START) -> int:
    """Read a landing file, or what stands behind a place in it, into a Parquet file; returns the number of rows."""
    rows = 0
    with pq.ParquetWriter(target, staged_schema(columns), compression="zstd") as writer:
        for batch in rows_of(file, layout, columns, begin):
            writer.write_table(batch)
            rows += batch.num_rows
    return rows


def can_go_on(file: LandingFile, layout: Files) -> bool:
    """Whether what is appended to a file can be read by itself: plain text whose last line is whole, and kept.

    With `where`, the rows that were kept do not tell at which position the file ended.
    """
    if (
        layout.where
        or layout.format == "parquet"
        or "\n".encode(layout.encoding) != b"\n"
        or file.path.suffix in COMPRESSED
    ):
        return False
    with file.path.open("rb") as stream:
        stream.seek(0, os.SEEK_END)
        if not stream.tell():
            return False
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def rows_of(file: LandingFile, layout: Files, columns: Sequence[str], begin: Place = START) -> Iterator[pa.Table]:
    """Blocks of one landing file's rows in the staged schema, under the names of the description."""
    with named_errors(file, layout.format):
        read = list(dict.fromkeys([*columns, *layout.where]))
        for block in READERS[layout.format](file, read, layout, begin):
            said = _without(layout.missing, block, read) if layout.missing else block
            yield _of_kind(layout.where, said).drop_columns(read[len(columns) :])


@contextmanager
def named_errors(file: LandingFile, kind: str) -> Iterator[None]:
    """Puts what goes wrong in reading a file into words.

    Raises:
        LandingError: the file is truncated or unreadable.
    """
    try:
        yield
    except (pa.ArrowException, OSError, EOFError, UnicodeError) as error:
        reason = first_line(error).rstrip(".")
        raise LandingError(
            f"{file.path} cannot be read as {kind}: {reason}. "
            "It may be truncated or of another format. Land it again (or take it away) and run the night again; "
            "nothing of this night was published."
        ) from error


def _without(words: Sequence[str], rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The rows with nothing where one of the words stands."""
    there = rows
    for place, name in enumerate(columns):
        no_value = pc.is_in(rows[name], value_set=pa.array(words, pa.string()))
        there = there.set_column(place, name, pc.if_else(no_value, pa.scalar(None, pa.string()), rows[name]))
    return there


def _of_kind(where: Mapping[str, Sequence[str]], rows: pa.Table) -> pa.Table:
    """The rows that `where` asks for, and those of which nobody can tell."""
    wanted = rows
    for name, values in where.items():
        asked = pc.is_in(pc.utf8_trim_whitespace(wanted[name]), value_set=pa.array(values, pa.string()))
        wanted = wanted.filter(pc.or_(asked, pc.is_valid(wanted["_reject"])))
    return wanted


def column_names(file: LandingFile, layout: Files) -> list[str]:
    """The columns of a CSV or Parquet file as the file names them, or as the description does where it has no header.

    Raises:
        LandingError: the file is empty, or cannot be read.
    """
    with named_errors(file, layout.format):
        return parquet_columns(file) if layout.format == "parquet" else csv_columns(file, layout)
