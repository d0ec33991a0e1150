"""Landing files to Parquet, row by row: every wanted column as text, with where each row stood.

A row that has the wrong shape is kept with its raw text and the reason; a file that cannot be read at all is an error.
Files are read in blocks, so memory does not grow with their size.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from conf.errors import LandingError
from conf.landing import Files
from jobs.landing.discovery import LandingFile

BLOCK_BYTES = 16 << 20
BLOCK_ROWS = 65_536
LONGEST_TEXT = 2_000
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def staged_schema(columns: Sequence[str]) -> pa.Schema:
    """The schema of staged rows."""
    wanted = [(name, pa.string()) for name in columns]
    return pa.schema(
        [*wanted, ("_file", pa.string()), ("_row", pa.int64()), ("_text", pa.string()), ("_reject", pa.string())]
    )


def stage(files: Sequence[LandingFile], layout: Files, columns: Sequence[str], folder: Path) -> int:
    """Read landing files of one layout into Parquet files below `folder`; returns the number of rows.

    Raises:
        LandingError: a file is truncated, unreadable, or lacks a wanted column.
    """
    folder.mkdir(parents=True, exist_ok=True)
    schema = staged_schema(columns)
    rows = 0
    for number, file in enumerate(files):
        with pq.ParquetWriter(folder / f"{number:05d}.parquet", schema, compression="zstd") as writer:
            for batch in rows_of(file, layout, columns):
                writer.write_table(batch)
                rows += batch.num_rows
    return rows


def rows_of(file: LandingFile, layout: Files, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Blocks of one landing file's rows in the staged schema, under the names of the description."""
    readers = {"csv": _csv, "tsv": _csv, "jsonl": _json_lines, "parquet": _parquet}
    try:
        yield from readers[layout.format](file, columns, layout)
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise LandingError(
            f"{file.path} cannot be read as {layout.format}: {reason}. "
            "It may be truncated or of another format. Land it again (or take it away) and run the night again; "
            "nothing of this night was published."
        ) from error


def _staged(columns: dict[str, pa.Array], file: LandingFile, rows: pa.Array) -> pa.Table:
    size = len(rows)
    names = pa.repeat(pa.scalar(file.name, pa.string()), size)
    nothing = pa.nulls(size, pa.string())
    return pa.table([*columns.values(), names, rows, nothing, nothing], schema=staged_schema(list(columns)))


def _rejected(columns: Sequence[str], file: LandingFile, rejects: list[tuple[int, str, str]]) -> pa.Table:
    records = [
        {"_file": file.name, "_row": row, "_text": raw[:LONGEST_TEXT], "_reject": reason}
        for row, raw, reason in rejects
    ]
    return pa.Table.from_pylist(records, schema=staged_schema(columns))


def _require_columns(file: LandingFile, found: Sequence[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in found]
    if missing:
        raise LandingError(
            f"{file.path} has no column `{missing[0]}`; it has: {', '.join(found)}. "
            "Correct the file, or the column's name in the data set's description."
        )


def _csv(file: LandingFile, columns: Sequence[str], layout: Files) -> Iterator[pa.Table]:
    rejects: list[tuple[int, str, str]] = []

    def skip(row: Any) -> str:
        reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        rejects.append((row.number, row.text, reason))
        return "skip"

    sources = [layout.rename.get(name, name) for name in columns]
    _require_columns(file, column_names(file, layout), sources)
    with pa.input_stream(str(file.path), compression="detect") as stream:
        reader = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(
                block_size=BLOCK_BYTES, use_threads=False, column_names=layout.header or None
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=_delimiter(layout), newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(sources, pa.binary()), include_columns=list(dict.fromkeys(sources))
            ),
        )
        line, reported = 1 if layout.header else 2, 0
        for batch in reader:
            new = rejects[reported:]  # may hold rows of later blocks: the reader is ahead of us
            reported = len(rejects)
            positions = _positions(line, batch.num_rows, {row for row, _, _ in rejects})
            line = positions[-1] + 1 if positions else line
            named = pa.table([batch.column(source) for source in sources], names=list(columns))
            table, undecodable = _decoded(named, file, pa.array(positions, pa.int64()))
            yield table
            if new or undecodable:
                yield _rejected(columns, file, [*new, *undecodable])
        if rejects[reported:]:
            yield _rejected(columns, file, rejects[reported:])


def _positions(first: int, rows: int, skipped: Collection[int]) -> list[int]:
    """Line numbers of `rows` good rows from line `first` on, leaving out the skipped ones."""
    return list(islice((line for line in count(first) if line not in skipped), rows))


def _delimiter(layout: Files) -> str:
    return layout.delimiter or ("\t" if layout.format == "tsv" else ",")


def column_names(file: LandingFile, layout: Files) -> list[str]:
    """The columns of a CSV or Parquet file as the file names them, or as the description does where it has no header.

    Raises:
        LandingError: the file is empty.
    """
    if layout.format == "parquet":
        with pq.ParquetFile(file.path) as source:
            return list(source.schema_arrow.names)
    if layout.header:
        return list(layout.header)
    with pa.input_stream(str(file.path), compression="detect") as stream:
        first = stream.read(1 << 16).decode("utf-8-sig", errors="replace").splitlines()[:1]
    if not first:
        raise LandingError(f"{file.path} is empty: not even a header. Land it again, or take it away.")
    return next(csv.reader(first, delimiter=_delimiter(layout)), [])


def _decoded(table: pa.Table, file: LandingFile, rows: pa.Array) -> tuple[pa.Table, list[tuple[int, str, str]]]:
    """Binary columns as text. Rows with bytes that are not UTF-8 come back apart, to be rejected."""
    try:
        columns = {name: table[name].combine_chunks().cast(pa.string()) for name in table.column_names}
        return _staged(columns, file, rows), []
    except pa.ArrowInvalid:
        good, rejects = [], []
        for index, record in enumerate(table.to_pylist()):
            try:
                good.append(
                    {k: None if v is None else v.decode("utf-8") for k, v in record.items()}
                    | {"_row": rows[index].as_py()}
                )
            except UnicodeDecodeError:
                raw = ",".join("" if v is None else v.decode("utf-8", errors="replace") for v in record.values())
                rejects.append((rows[index].as_py(), raw, "bytes that are not UTF-8 text"))
        kept = pa.Table.from_pylist(
            [row | {"_file": file.name} for row in good], schema=staged_schema(table.column_names)
        )
        return kept, rejects


def _json_lines(file: LandingFile, columns: Sequence[str], layout: Files) -> Iterator[pa.Table]:
    sources = {name: layout.rename.get(name, name) for name in columns}
    with pa.input_stream(str(file.path), compression="detect") as stream:
        records: list[dict[str, Any]] = []
        for line, raw in enumerate(_lines(stream), start=1):
            if raw.strip():
                records.append(_json_record(raw, sources) | {"_file": file.name, "_row": line})
            if len(records) >= BLOCK_ROWS:
                yield pa.Table.from_pylist(records, schema=staged_schema(columns))
                records = []
        yield pa.Table.from_pylist(records, schema=staged_schema(columns))


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _json_record(raw: bytes, sources: Mapping[str, str]) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        return _json_reject(raw, f"no JSON: {error}")
    if not isinstance(content, dict):
        return _json_reject(raw, "JSON, but not an object")
    record = {name: _json_text(_member(content, source)) for name, source in sources.items()}
    if b"\\u" in raw and LONE_SURROGATE.search("".join(value or "" for value in record.values())):
        return _json_reject(raw, "half a surrogate pair, which is no character")
    return record


def _member(content: dict[str, Any], source: str) -> Any:
    """A member of a JSON object; `device.os` also reaches into an object inside it."""
    if source in content or "." not in source:
        return content.get(source)
    outer, _, inner = source.partition(".")
    below = content.get(outer)
    return _member(below, inner) if isinstance(below, dict) else None


def _json_reject(raw: bytes, reason: str) -> dict[str, Any]:
    return {"_text": raw.decode("utf-8", errors="replace")[:LONGEST_TEXT], "_reject": reason}


def _json_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else json.dumps(value)


def _parquet(file: LandingFile, columns: Sequence[str], layout: Files) -> Iterator[pa.Table]:
    sources = {name: layout.rename.get(name, name) for name in columns}
    with pq.ParquetFile(file.path) as source:
        _require_columns(file, source.schema_arrow.names, list(sources.values()))
        row = 1
        for batch in source.iter_batches(batch_size=BLOCK_ROWS, columns=list(dict.fromkeys(sources.values()))):
            texts = {name: _as_text(batch.column(source_name)) for name, source_name in sources.items()}
            yield _staged(texts, file, pa.array(range(row, row + batch.num_rows), pa.int64()))
            row += batch.num_rows


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return values.cast(pa.string())
