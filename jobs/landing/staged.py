"""Staged rows: every wanted column as text, where the row stood, and why the reader could not make sense of it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from conf.errors import LandingError
from jobs.landing.discovery import LandingFile
from jobs.landing.text_stream import NO_TEXT, shown

LONGEST_TEXT = 2_000
Reject = tuple[int, str, str]
"""A row's position, its raw text and the reason."""


def staged_schema(columns: Sequence[str]) -> pa.Schema:
    """The schema of staged rows."""
    wanted = [(name, pa.string()) for name in columns]
    return pa.schema(
        [*wanted, ("_file", pa.string()), ("_row", pa.int64()), ("_text", pa.string()), ("_reject", pa.string())]
    )


def staged_rows(columns: dict[str, pa.Array], file: LandingFile, positions: pa.Array) -> pa.Table:
    """Rows whose columns could be read."""
    size = len(positions)
    names = pa.repeat(pa.scalar(file.name, pa.string()), size)
    nothing = pa.nulls(size, pa.string())
    return pa.table([*columns.values(), names, positions, nothing, nothing], schema=staged_schema(list(columns)))


def rejected_rows(columns: Sequence[str], file: LandingFile, rejects: Sequence[Reject]) -> pa.Table:
    """Rows that could not be read."""
    records = [
        {"_file": file.name, "_row": row, "_text": raw[:LONGEST_TEXT], "_reject": reason}
        for row, raw, reason in rejects
    ]
    return pa.Table.from_pylist(records, schema=staged_schema(columns))


def require_columns(file: LandingFile, found: Sequence[str], wanted: Sequence[str]) -> None:
    """Nothing, if a file has each wanted column once.

    Raises:
        LandingError: a column is missing, or stands in the file twice.
    """
    missing = [name for name in wanted if name not in found]
    damaged = any(NO_TEXT in name for name in found)
    if missing:
        raise LandingError(
            f"{file.path} has no column `{missing[0]}`; it has: {', '.join(f'`{shown(name)}`' for name in found)}. "
            + ("These are no text in the encoding that was expected: give the `encoding`. " if damaged else "")
            + "Correct the file, or the column's name in the data set's description."
        )
    doubled = [name for name in wanted if found.count(name) > 1]
    if doubled:
        raise LandingError(
            f"{file.path} has two columns `{doubled[0]}`, so that nobody can tell which one is meant. Correct the file."
        )
