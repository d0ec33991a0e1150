"""Impression files in every format, whole and damaged, and what each of their rows must come to."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hostile_rows import HostileRow, rows
from hypothesis import strategies as st
from landing_files import IMPRESSION

FORMATS = ("csv", "tsv", "jsonl", "parquet")
ENDS = ("\n", "\n", "\r\n", "\r")
ENDINGS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}
NO_JSON = (
    *(
        b"nope",
        b"{",
        b'{"impression_id": ',
        b"[1, 2]",
        b"7",
        b'"text"',
        b"null",
        b"{}}",
        b"{'a': 1}",
        b"\xff\xfe",
        b"\x00",
    ),
    *(
        b'{"a": ' + b"[" * 50_000,
        b'{"a": 1' + b"0" * 5_000 + b"}",
        b'{"user": "\xed\xa0\x80"}',
        b'{"user": "\\ud800"}',
    ),
    *(b'{"impression_id": "i1", "impression_id": "i2"}', b'{"impression_id": {"id": 1}}', b'{"impression_id": ["i1"]}'),
)
"""Lines that are no row: each goes to quarantine."""
NO_CSV = ("only,three,fields", "one", "a,b,c,d,e,f,g,h,i", ",,,,,,,,,,,", "\ufeff", "\0", "x" * 10_000)
"""Lines of another width than six."""


@dataclass(frozen=True)
class HostileFile:
    """A landing file: its name's ending, bytes and layout, what is wrong with it as a whole, and its rows in order."""

    ending: str
    content: bytes
    layout: dict[str, Any]
    rows: tuple[HostileRow, ...]
    broken: str = ""
    """Why it cannot be read at all; empty where it can."""

    @property
    def kind(self) -> str:
        """What it is called in the counts."""
        return f"{self.layout['format']} file" + (", damaged" if self.broken else "")


def csv_file(draw: st.DrawFn, found: Sequence[HostileRow], kind: str, plain: bool = False) -> HostileFile:
    """CSV or TSV: other ends of lines, quotes, orders and encodings; rows of a wrong width; blank lines.

    `plain`: with a header, a comma or tab, and in UTF-8, so that several files have one layout.
    """
    delimiter = "\t" if kind == "tsv" else draw(st.sampled_from((",", "," if plain else ";")))
    end, text = draw(st.sampled_from(ENDS)), io.StringIO(newline="")
    quoting = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    names = draw(st.permutations((*IMPRESSION, *draw(st.sampled_from(((), ("more", ""), ("b" * 70_000,)))))))

    def written(cells: Sequence[str]) -> None:
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=delimiter, lineterminator="\r\n", quoting=quoting).writerow(cells)
        text.write(line.getvalue().removesuffix("\r\n") + end)

    header = plain or draw(st.booleans())
    if header:
        written(names)
    kept = []
    for row in found:
        if row.raw:
            line = row.raw.decode().replace(",", delimiter)
            text.write(line + end)
        else:
            written([row.cells.get(name, "z") for name in names])
        kept.append(row)
        text.write(end * draw(st.sampled_from((0, 0, 0, 1, 2))))  # empty lines are no rows
    content = text.getvalue()
    if draw(st.booleans()):
        content = content.rstrip("\r\n") + ("" if quoting == csv.QUOTE_ALL or kept else end)
    encoding = "utf-8" if plain else draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-16", "utf-32")))
    layout: dict[str, Any] = {"format": kind, "encoding": encoding}
    layout |= {"header": tuple(name or f"no_{place}" for place, name in enumerate(names))} if not header else {}
    layout |= {"delimiter": delimiter} if kind == "csv" and delimiter != "," else {}
    mark = "\ufeff" if encoding == "utf-8" and draw(st.booleans()) else ""
    return HostileFile(f".{kind}", (mark + content).encode(encoding), layout, tuple(kept))


def json_file(draw: st.DrawFn, found: Sequence[HostileRow]) -> HostileFile:
    """JSON lines: other ends and orders, further members, blank lines, lines that are no row."""
    end = draw(st.sampled_from(ENDS)).encode()
    lines = []
    for row in found:
        without = draw(st.booleans())  # what is empty may as well not be there
        members: dict[str, Any] = {name: value for name, value in row.cells.items() if value or not without}
        members |= draw(st.sampled_from(({}, {"more": {"deep": [1, {"x": None}]}}, {"impression_id ": "other", "": 1})))
        names = draw(st.permutations(list(members)))
        escaped = draw(st.booleans())
        lines.append(row.raw or json.dumps({name: members[name] for name in names}, ensure_ascii=escaped).encode())
        lines += [b""] * draw(st.sampled_from((0, 0, 0, 1)))
    content = end.join(lines) + (end if draw(st.booleans()) else b"")
    mark = b"\xef\xbb\xbf" if draw(st.booleans()) and not (found and found[0].raw) else b""
    return HostileFile(".jsonl", mark + content, {"format": "jsonl"}, tuple(found))


def parquet_file(draw: st.DrawFn, found: Sequence[HostileRow]) -> HostileFile:
    """Parquet: text plain, large, packed in dictionaries, or as bytes; missing values for empty ones; small groups."""
    plain = [row for row in found if not row.raw]
    columns = {}
    for name in draw(st.permutations(IMPRESSION)):
        values = [row.cells[name] for row in plain]
        given = [value or None for value in values] if draw(st.booleans()) else values
        kind = draw(st.sampled_from((pa.string(), pa.large_string(), pa.binary(), pa.string_view(), "packed")))
        packed = pa.array(given, pa.string())
        columns[name] = packed.dictionary_encode() if kind == "packed" else packed.cast(kind)
    columns["more"] = pa.array([[1]] * len(plain), pa.list_(pa.int64()))
    stream = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        stream,
        row_group_size=draw(st.integers(1, 5)),
        compression=draw(st.sampled_from(("snappy", "zstd", "none"))),
    )
    return HostileFile(".parquet", stream.getvalue(), {"format": "parquet"}, tuple(plain))


def _no_rows(draw: st.DrawFn, kind: str) -> list[HostileRow]:
    if kind == "jsonl":
        return [HostileRow({}, "line", raw=draw(st.sampled_from(NO_JSON)))]
    if kind == "parquet":
        return []
    return [HostileRow({}, "line", raw=draw(st.sampled_from(NO_CSV)).encode())]


@st.composite
def whole_files(draw: st.DrawFn, formats: Sequence[str] = FORMATS, plain: bool = False) -> HostileFile:
    """A file that can be read, with good and bad rows."""
    kind = draw(st.sampled_from(formats))
    found = []
    for row in draw(st.lists(rows(), max_size=8)):
        found.append(row)
        found += _no_rows(draw, kind) if draw(st.sampled_from((False, False, False, True))) else []
    if kind == "parquet":
        return parquet_file(draw, found)
    file = json_file(draw, found) if kind == "jsonl" else csv_file(draw, found, kind, plain)
    ending = draw(st.sampled_from(("",) if plain else ("", "", ".gz", ".bz2")))
    return replace(file, ending=file.ending + ending, content=ENDINGS[ending](file.content))


@st.composite
def damaged_files(draw: st.DrawFn) -> HostileFile:
    """A file that cannot be read: cut short, of another format, or with a column gone, renamed, doubled or nested."""
    kind = draw(st.sampled_from(FORMATS))
    found = draw(st.lists(rows().filter(lambda row: not row.raw), min_size=1, max_size=5))
    column = draw(st.sampled_from(IMPRESSION))
    if kind == "jsonl" or draw(st.booleans()):
        return _cut(draw, found, kind)
    how = draw(st.sampled_from(("gone", "renamed", "doubled", "nested", "empty")))
    if how == "empty":
        return HostileFile(f".{kind}", b"", {"format": kind}, (), "empty")
    names = {"gone": [], "renamed": [f"{column}_2"], "doubled": [column, column], "nested": [column]}[how]
    others = [name for name in IMPRESSION if name != column]
    if kind == "parquet":
        values = [[[1]] if how == "nested" else ["v"] for _ in names]
        table = pa.Table.from_arrays([pa.array(["v"])] * 5 + [pa.array(value) for value in values], [*others, *names])
        stream = io.BytesIO()
        pq.write_table(table, stream)
        return HostileFile(".parquet", stream.getvalue(), {"format": "parquet"}, (), f"{column} {how}")
    if how == "nested":
        return _cut(draw, found, kind)
    delimiter = "\t" if kind == "tsv" else ","
    content = delimiter.join([*others, *names]) + "\n" + delimiter.join(["v"] * (5 + len(names))) + "\n"
    return HostileFile(f".{kind}", content.encode(), {"format": kind}, (), f"{column} {how}")


def _cut(draw: st.DrawFn, found: Sequence[HostileRow], kind: str) -> HostileFile:
    """A compressed or Parquet file cut short, or other bytes under its name."""
    if kind == "parquet":
        whole, ending = parquet_file(draw, found).content, ".parquet"
        end = draw(st.integers(0, len(whole) - 1))
    else:
        text = "\n".join(",".join(IMPRESSION) for _ in range(40)) + str(draw(st.integers(0, 10**9)))
        ending = draw(st.sampled_from((".gz", ".bz2")))
        whole = ENDINGS[ending](text.encode())
        end, ending = draw(st.integers(1, len(whole) - 9)), f".{kind}{ending}"
    other = draw(
        st.sampled_from((whole[:end], whole[:end], b"PK\x03\x04zip", b"\x00" * 100, b"PAR1" + b"\xff" * 40 + b"PAR1"))
    )
    return HostileFile(ending, other, {"format": kind}, (), "cut short")
