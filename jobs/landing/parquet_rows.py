"""Rows of Parquet files, as the text that a CSV file would hold; `device.os` reaches into a struct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from conf.errors import LandingError
from conf.landing import Files
from jobs.landing.discovery import LandingFile
from jobs.landing.staged import rejected_rows, require_columns, staged_rows
from jobs.landing.text_stream import START, Place

BLOCK_ROWS = 65_536


def parquet_rows(file: LandingFile, columns: Sequence[str], layout: Files, begin: Place = START) -> Iterator[pa.Table]:
    """Blocks of a file's rows, always from its start: such a file is written once and does not grow.

    Raises:
        LandingError: a wanted column is missing, or of a type that is no single value.
    """
    sources = {name: layout.rename.get(name, name) for name in columns}
    with pq.ParquetFile(file.path) as source:
        leaves = list(_leaves(source.schema_arrow))
        types = dict(leaves)
        require_columns(file, [name for name, _ in leaves], list(sources.values()))
        for name in sources.values():
            if pa.types.is_nested(types[name]):
                raise LandingError(
                    f"{file.path}: column `{name}` is of type {types[name]}, which is no single value. "
                    "Take the column out of the description, or land the file with a plain column in its place."
                )
        position = 1
        for batch in source.iter_batches(batch_size=BLOCK_ROWS, columns=list(dict.fromkeys(sources.values()))):
            positions = pa.array(range(position, position + batch.num_rows), pa.int64())
            position += batch.num_rows
            yield from _staged({name: _column(batch, source) for name, source in sources.items()}, file, positions)


def parquet_columns(file: LandingFile) -> list[str]:
    """The columns of a file that hold single values; those inside structs with dots."""
    with pq.ParquetFile(file.path) as source:
        return [name for name, kind in _leaves(source.schema_arrow) if not pa.types.is_nested(kind)]


def _leaves(fields: pa.Schema | pa.StructType, above: str = "") -> Iterator[tuple[str, pa.DataType]]:
    for field in fields:
        if pa.types.is_struct(field.type):
            yield from _leaves(field.type, f"{above}{field.name}.")
        else:
            yield f"{above}{field.name}", field.type


def _staged(values: dict[str, pa.Array], file: LandingFile, positions: pa.Array) -> Iterator[pa.Table]:
    damaged = _damaged(list(values.values()), len(positions))
    if damaged:
        rejects = [(positions[row].as_py(), _shown(values, row), "bytes that are not UTF-8 text") for row in damaged]
        yield rejected_rows(list(values), file, rejects)
        whole = pa.array(sorted(set(range(len(positions))) - set(damaged)), pa.int64())
        values, positions = {name: column.take(whole) for name, column in values.items()}, positions.take(whole)
    yield staged_rows({name: as_text(column) for name, column in values.items()}, file, positions)


def _damaged(columns: Sequence[pa.Array], rows: int) -> list[int]:
    """Rows in which a column of bytes, or of what its writer took for text, holds no text."""
    values = [column.cast(pa.large_binary()).to_pylist() for column in columns if _may_be_damaged(column)]
    return [row for row in range(rows) if any(not _is_text(column[row]) for column in values)] if values else []


def _may_be_damaged(values: pa.Array) -> bool:
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        try:
            values.validate(full=True)
        except pa.ArrowInvalid:
            return True
        return False
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _is_text(value: bytes | None) -> bool:
    try:
        return value is None or value.decode() is not None
    except UnicodeDecodeError:
        return False


def _shown(values: dict[str, pa.Array], row: int) -> str:
    cells = [column.slice(row, 1) for column in values.values()]
    plain = [(cell.cast(pa.large_binary()) if _may_be_damaged(cell) else cell)[0].as_py() for cell in cells]
    return ",".join(cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell) for cell in plain)


def _column(batch: pa.RecordBatch, source: str) -> pa.Array:
    if source in batch.schema.names:
        return _plain(batch.column(source))
    place = max((name for name in batch.schema.names if source.startswith(f"{name}.")), key=len)
    inner: str | list[str] = source.removeprefix(f"{place}.").split(".")
    return _plain(pc.struct_field(batch.column(place), inner))


def _plain(values: pa.Array) -> pa.Array:
    """Values that are not packed in any way."""
    if pa.types.is_dictionary(values.type):
        return _plain(values.dictionary_decode())
    if values.type == pa.string_view():
        return values.cast(pa.large_string())
    return values.cast(pa.large_binary()) if values.type == pa.binary_view() else values


def as_text(values: pa.Array) -> pa.Array:
    """Values as text. A truth value is 1 or 0; what is no number is nothing."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return values.cast(pa.string())
