"""Rows of JSON lines: one object a line; `device.os` reaches into an object inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from conf.landing import Files
from jobs.landing.discovery import LandingFile
from jobs.landing.staged import LONGEST_TEXT, staged_schema
from jobs.landing.text_stream import NO_TEXT, START, Place, lines_of, opened, shown

BLOCK_BYTES = 16 << 20
BLOCK_ROWS = 65_536
LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
DAMAGE = NO_TEXT.encode()
NO_SINGLE_VALUE = {
    "dict": "holds an object, which is no single value",
    "list": "holds a list, which is no single value",
    "Unclear": "stands twice with different values",
}


def json_rows(file: LandingFile, columns: Sequence[str], layout: Files, begin: Place = START) -> Iterator[pa.Table]:
    """Blocks of a file's rows."""
    sources = {name: layout.rename.get(name, name) for name in columns}
    schema = staged_schema(columns)
    with opened(file, layout, begin) as stream:
        records: list[dict[str, Any]] = []
        for line, raw in enumerate(lines_of(stream, BLOCK_BYTES), start=begin.row + 1):
            if raw.strip():
                records.append(_record(raw, sources, layout) | {"_file": file.name, "_row": line})
            if len(records) >= BLOCK_ROWS:
                yield pa.Table.from_pylist(records, schema=schema)
                records = []
        yield pa.Table.from_pylist(records, schema=schema)


def json_object(raw: bytes) -> dict[str, Any] | None:
    """The object on a line, or None where the line holds something else. Members that stand twice may be Unclear.

    Raises:
        ValueError: the line is no JSON.
    """
    try:
        content = json.loads(raw, parse_constant=lambda name: None, object_pairs_hook=_members)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return content if isinstance(content, dict) else None


class Unclear:
    """What stands under a name that an object has twice, with other values: nobody can tell which one is meant."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        for name, value in pairs:
            if value != members[name] or isinstance(value, bool) != isinstance(members[name], bool):
                members[name] = Unclear()
    return members


def _record(raw: bytes, sources: Mapping[str, str], layout: Files) -> dict[str, Any]:
    if DAMAGE in raw:
        return _reject(raw, f"bytes that are no text in {layout.encoding}")
    try:
        content = json_object(raw)
    except ValueError as error:
        return _reject(raw, f"no JSON: {error}")
    if content is None:
        return _reject(raw, "JSON, but not an object: each line must hold one")
    values = {name: _member(content, source) for name, source in sources.items()}
    for name, value in values.items():
        if isinstance(value, dict | list | Unclear):
            return _reject(raw, f"`{sources[name]}` {NO_SINGLE_VALUE[type(value).__name__]}")
    record = {name: _text(value) for name, value in values.items()}
    if b"\\u" in raw and LONE_SURROGATE.search("".join(value or "" for value in record.values())):
        return _reject(raw, "half a surrogate pair, which is no character")
    return record


def _member(content: dict[str, Any], source: str) -> Any:
    """A member of a JSON object; `device.os` also reaches into an object inside it."""
    if source in content or "." not in source:
        return content.get(source)
    outer, _, inner = source.partition(".")
    below = content.get(outer)
    return _member(below, inner) if isinstance(below, dict) else None


def _reject(raw: bytes, reason: str) -> dict[str, Any]:
    return {"_text": shown(raw.decode())[:LONGEST_TEXT], "_reject": reason}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, bool) else repr(value)  # an infinite one as in Parquet: `inf`
