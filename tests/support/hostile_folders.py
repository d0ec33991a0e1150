"""Folders of files as somebody might hand them to `ctr dataset init`: logs with strange names, and what is no log."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

NAMES = (
    *(
        "time",
        "Zeit",
        "ts",
        "event_time",
        "click",
        "clicked",
        "label",
        "user",
        "user_id",
        "uid",
        "ad",
        "ad_id",
        "campaign",
        "id",
    ),
    *(
        "slot",
        "price",
        "true",
        "null",
        "yes",
        "-",
        "~",
        "1",
        "1.5",
        "",
        " ",
        "a b",
        "a:b",
        "a: b",
        "# c",
        "'",
        '"',
        "\\",
        "`x`",
    ),
    *(
        "{x}",
        "[x]",
        "*x",
        "&x",
        "!x",
        "%x",
        "@x",
        "|",
        ">",
        "x\ny",
        "x\ty",
        "\0",
        "\u00fc",
        "\u4e2d\u6587",
        "\U0001f600",
        "\u202e",
    ),
    *(
        "\u2028",
        "\ufeff",
        "x" * 300,
        "dt",
        "_file",
        "_row",
        "hour",
        "all",
        "all__x",
        "User",
        "USER",
        "a.b",
        "a..b",
        ".",
        "device.os",
    ),
)
VALUES = (
    *(
        "",
        " ",
        "0",
        "1",
        "-1",
        "1.0",
        "5",
        "1e999",
        "inf",
        "nan",
        "NULL",
        "\\N",
        "true",
        "yes",
        "a",
        "b",
        "u1",
        "x" * 200,
    ),
    *(
        "2026-02-03 10:00:00",
        "2026-02-30",
        "0001-01-01",
        "9999-12-31 23:59:59",
        "1768042800",
        "1768042800000",
        "99999999999999999",
    ),
    *('"', "'", ",", ";", "\t", "\n", "\0", "\u00fc", "\u2028", "[1]", '{"a": 1}', "12e4567890123456", "1,5", "10:30"),
)
FILES = (
    "log.csv",
    "log-2026-02-03.csv",
    "2026/02/03/part-0.csv",
    "clicks.csv",
    "candidates.csv",
    "users.tsv",
    "a b.csv",
    "x'y.csv",
)
STRANGE_FILES = (
    "log",
    "*.csv",
    "[x].csv",
    "{date}.csv",
    "\u00fc.csv",
    "\u202e.csv",
    "x\n.csv",
    "2026-02-30.csv",
    "q?.csv",
    "a#b: c.csv",
)
GARBAGE = (
    *(
        b"",
        b"\n",
        b"\xff\xfe",
        b"\x00" * 100,
        b"PAR1",
        b"PK\x03\x04",
        b"{",
        b"[",
        b'{"a": ' + b"[" * 9_999,
        b'{"a": 1}\n' * 3,
        b"x",
    ),
    *(
        b"a,b\n",
        b"a\n1\n",
        b"\x1f\x8b\x08",
        b'"' * 50,
        b",,,\n,,,\n",
        b"a,b\n1,2\n" * 40,
        b'{"a": {"b": [1]}}\n' * 30,
        b"\xef\xbb\xbf",
    ),
)


@st.composite
def _columns(draw: st.DrawFn, rows: int) -> dict[str, list[str]]:
    """Some columns of a log, most of them under names and with values that a log has, the others under any."""
    begin = datetime(2026, 2, 3)
    found = {
        draw(st.sampled_from(("time", "event_time", "ts", "Zeit"))): [
            f"{begin + timedelta(minutes=n)}" for n in range(rows)
        ],
        draw(st.sampled_from(("click", "label", "clicked", "x: y"))): [str(int(n % 5 == 0)) for n in range(rows)],
        draw(st.sampled_from(("user", "uid", "User"))): [f"u{n % 9}" for n in range(rows)],
        draw(st.sampled_from(("ad", "creative", "item id"))): [f"a{n % 7}" for n in range(rows)],
    }
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=5)):
        values = draw(st.lists(st.sampled_from(VALUES), min_size=1, max_size=4))
        found[name] = [values[n % len(values)] for n in range(rows)]
    if draw(st.sampled_from((False, False, False, True))):
        del found[draw(st.sampled_from(list(found)))]
    return found


@st.composite
def table_bytes(draw: st.DrawFn) -> tuple[str, bytes]:
    """A table as CSV, JSON lines or Parquet, or bytes that are none; and the ending for its name."""
    rows = draw(st.sampled_from((40, 40, 60, 60, 2, 0)))
    columns = draw(_columns(rows))
    kind = draw(st.sampled_from(("csv", "csv", "csv", "jsonl", "parquet", "garbage")))
    if kind == "garbage":
        return "", draw(st.sampled_from(GARBAGE))
    if kind == "parquet":
        stream = io.BytesIO()
        pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), stream)
        return ".parquet", stream.getvalue()
    cells = list(zip(*columns.values(), strict=True))
    if kind == "jsonl":
        nested: dict[str, Any] = draw(
            st.sampled_from(({}, {"device": {"os": "x"}}, {"tags": ["a"]}, {"user": {"id": 1}}))
        )
        lines = [json.dumps(dict(zip(columns, row, strict=True)) | nested) for row in cells]
        return ".jsonl", "\n".join(lines).encode()
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=draw(st.sampled_from((",", ";", "\t"))))
    names = [*columns, *draw(st.sampled_from(((), (), (next(iter(columns), ""),))))]
    writer.writerows([names, *([*row, *row[: len(names) - len(columns)]] for row in cells)])
    return "", text.getvalue().encode(draw(st.sampled_from(("utf-8", "utf-8", "utf-16", "utf-8-sig"))), "replace")


@st.composite
def folders(draw: st.DrawFn) -> dict[str, bytes]:
    """Files by their names below the folder."""
    found = {}
    for name in draw(
        st.lists(
            st.sampled_from((*FILES * 8, *STRANGE_FILES)),
            min_size=1,
            max_size=3,
            unique=True,
        )
    ):
        ending, content = draw(table_bytes())
        found[name + ending] = content
    return found
