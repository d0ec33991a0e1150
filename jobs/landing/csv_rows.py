"""Rows of CSV and TSV files. Those of the wrong shape are kept with their text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from conf.errors import LandingError
from conf.landing import Files
from jobs.landing.discovery import LandingFile
from jobs.landing.staged import Reject, rejected_rows, require_columns, staged_rows
from jobs.landing.text_stream import (
    LINE_END,
    LITERAL_QUOTE,
    LONGEST_FIELD,
    NO_TEXT,
    START,
    Place,
    opened,
    shown,
    with_quotes_closed,
)

BLOCK_BYTES = 16 << 20
HEADER_BYTES = 1 << 16


def csv_rows(file: LandingFile, columns: Sequence[str], layout: Files, begin: Place = START) -> Iterator[pa.Table]:
    """Blocks of a file's rows."""
    names = csv_columns(file, layout)
    sources = [layout.rename.get(name, name) for name in columns]
    require_columns(file, names, sources)
    rejects: list[Reject] = []

    def skip(row: Any) -> str:
        reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        rejects.append((begin.row + row.number, shown(row.text), reason))
        return "skip"

    headless = bool(layout.header or begin.bytes)
    if headless and not _first_lines(file, layout, begin):
        return  # no header is missed here, and there are no rows
    with opened(file, layout, begin) as text:
        stream, guard = with_quotes_closed(text, delimiter_of(layout), len(names))
        reader = _reader(stream, layout, names if headless else None, sources, skip)
        line, reported = begin.row + (1 if headless else 2), 0
        for batch in reader:
            new = rejects[reported:]  # may hold rows of later blocks: the reader is ahead of us
            reported = len(rejects)
            positions = _positions(line, batch.num_rows, {row for row, _, _ in rejects})
            line = positions[-1] + 1 if positions else line
            values = [batch.column(source) for source in sources]
            if guard.found:
                values = [pc.replace_substring(column, LITERAL_QUOTE, '"') for column in values]
            rows = staged_rows(dict(zip(columns, values, strict=True)), file, pa.array(positions, pa.int64()))
            readable, undecodable = _readable(rows, columns, layout)
            yield readable
            if new or undecodable:
                yield rejected_rows(columns, file, [*new, *undecodable])
        if rejects[reported:]:
            yield rejected_rows(columns, file, rejects[reported:])


def _reader(
    stream: pa.NativeFile,
    layout: Files,
    names: Sequence[str] | None,
    sources: Sequence[str],
    skip: Callable[[Any], str],
) -> pacsv.CSVStreamingReader:
    """Arrow's reader of some columns as text; without `names` the first row tells them. `skip` gets rows that fail."""
    delimiter = delimiter_of(layout)
    wanted = dict.fromkeys(sources, pa.string())
    return pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False, column_names=names),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip),
        convert_options=pacsv.ConvertOptions(column_types=wanted, include_columns=list(wanted)),
    )


def _positions(first: int, rows: int, skipped: Collection[int]) -> list[int]:
    """Positions of `rows` good rows from `first` on, leaving out the skipped ones."""
    return list(islice((line for line in count(first) if line not in skipped), rows))


def _readable(rows: pa.Table, columns: Sequence[str], layout: Files) -> tuple[pa.Table, list[Reject]]:
    """The rows whose wanted columns are text in the file's encoding; and the others, to be rejected."""
    damaged = pa.array([False] * rows.num_rows, pa.bool_())
    for name in columns:
        damaged = pc.or_kleene(damaged, pc.match_substring(rows[name], NO_TEXT).combine_chunks().fill_null(False))
    if not pc.any(damaged).as_py():
        return rows, []
    reason = f"bytes that are no text in {layout.encoding}"
    rejects = [
        (row["_row"], shown(",".join(row[name] or "" for name in columns)), reason)
        for row in rows.filter(damaged).to_pylist()
    ]
    return rows.filter(pc.invert(damaged)), rejects


def delimiter_of(layout: Files) -> str:
    """What stands between the fields."""
    return layout.delimiter or ("\t" if layout.format == "tsv" else ",")


def csv_columns(file: LandingFile, layout: Files) -> list[str]:
    """The columns as the file names them, or as the description does where it has no header.

    Raises:
        LandingError: the file is empty.
    """
    if layout.header:
        return list(layout.header)
    start = _first_lines(file, layout)
    if not start.strip():
        raise LandingError(f"{file.path} is empty: not even a header. Land it again, or take it away.")
    lines = io.StringIO(start.decode("utf-8", "replace"), newline="")
    csv.field_size_limit(LONGEST_FIELD)
    try:
        return next(csv.reader(lines, delimiter=delimiter_of(layout), strict=True))
    except csv.Error:  # a quote that is never closed is a character like any other
        return LINE_END.split(start, maxsplit=1)[0].decode("utf-8", "replace").split(delimiter_of(layout))


def _first_lines(file: LandingFile, layout: Files, begin: Place = START) -> bytes:
    """The beginning of a file's text with a first line that is whole and not empty; nothing where there is none."""
    start = b""
    with opened(file, layout, begin) as stream:
        while block := stream.read(HEADER_BYTES):
            start = (start + block).lstrip(b"\r\n")
            if LINE_END.search(start) or len(start) > BLOCK_BYTES:
                break
    return start
