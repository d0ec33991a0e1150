"""Settings and descriptions that have gone wrong: values changed in the tree, or characters in the text."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import yaml
from hypothesis import strategies as st

Path = tuple[Any, ...]
"""The keys and positions that lead to a value."""

HOSTILE = (
    *(
        "",
        " ",
        "0",
        "1e999",
        "NaN",
        "~",
        "null",
        "no",
        "{date}",
        "../../etc/passwd",
        "/etc/passwd",
        "a/../b",
        "**",
        "*",
    ),
    *(
        "`",
        "'",
        '"',
        "\n",
        "\0",
        "\ufeff",
        "\u202e",
        "\ud7ff",
        "\U0001f600",
        "{{ conn.x }}",
        "${HOME}",
        "$(id)",
        "; rm -rf",
    ),
    *(
        "x" * 10_000,
        "{date:%Y",
        "{date:%H}",
        "{date:%s%n}",
        "{hour}",
        "9" * 30 + "d",
        "0h",
        "-1d",
        "1e3h",
        "utf-16",
        "idna",
    ),
    *("punycode", "zlib", "unicode_escape", "Mars/Olympus", "UTC\0", "../UTC", "dt", "user_id", "_file", "ID", "label"),
    *(
        "__",
        "all",
        "all__x",
        "user",
        "yyyy-MM-dd",
        "'",
        "[",
        "%Y",
        "parquet",
        "landing",
        "click_log",
        "embedded",
        "spark",
    ),
    *(None, True, False, 0, 1, -1, 10**5, 2**31, 2**63, 10**30, -(10**30), 0.0, -0.0, 0.5, 1e-308, 1.7e308),
    *(math.inf, -math.inf, math.nan, date(2026, 1, 31), date(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)),
    *(
        [],
        {},
        [None],
        [[]],
        {"": ""},
        {1: 2},
        {None: 1},
        [1, 1],
        ["a", "a"],
        ["user_id", "ad_id"],
        {"a": {"b": {"c": 1}}},
    ),
)
"""Values that no key expects, and some that another key does."""

FRAGMENTS = (
    *(
        "\t",
        "\n",
        "\r",
        "\r\n",
        " ",
        ":",
        ": ",
        "- ",
        "#",
        "'",
        '"',
        "|",
        ">",
        "{",
        "}",
        "[",
        "]",
        ",",
        "?",
        "? ",
        "!",
        "&a ",
    ),
    *(
        "*a",
        "<<: *a",
        "%",
        "@",
        "`",
        "---\n",
        "...\n",
        "\0",
        "\x07",
        "\u2028",
        "\ufeff",
        "\ud7ff",
        "!!python/object:os.x ",
    ),
    *(
        "!!python/object/apply:os.system [id]",
        "!!int ",
        "!!float ",
        "!!bool ",
        "!!timestamp ",
        "!!binary ",
        "!!set ",
        "!!omap ",
    ),
    *(
        "2026-02-30",
        "0b_",
        "0x_",
        "190:20:30",
        "1" * 5_000,
        ".inf",
        ".nan",
        "1e999",
        "[" * 500,
        "a: " * 50,
        "!<tag:x> ",
    ),
    *(
        "&a [*a]",
        "a: &a {b: *a}\n",
        "x: &x [1, 2]\ny: [*x, *x]\n",
        "~: ~\n",
        "name: other\n",
        "12:30:45",
        "=",
        "!!merge ",
    ),
)
"""Pieces of text that mean something in YAML, or nothing."""


def places(tree: Any, at: Path = ()) -> Iterator[Path]:
    """Every value in a tree, by the way to it."""
    if at:
        yield at
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from places(value, (*at, key))


def _changed(draw: st.DrawFn, tree: Any) -> Any:
    """The tree with one value deleted, doubled, wrapped, renamed, moved or replaced."""
    found = list(places(tree))
    if not found:
        return tree
    tree = copy.deepcopy(tree)
    *way, last = draw(st.sampled_from(found))
    above = tree
    for key in way:
        above = above[key]
    how = draw(st.sampled_from(("replace", "replace", "replace", "delete", "wrap", "rename", "double", "move", "text")))
    value = above[last]
    if how == "delete":
        del above[last]
    elif how == "rename" and isinstance(above, dict):
        above[draw(st.sampled_from([key for key in HOSTILE if isinstance(key, str | int)]))] = above.pop(last)
    elif how == "double" and isinstance(above, list):
        above.append(copy.deepcopy(value))
    elif how == "wrap":
        above[last] = draw(st.sampled_from(([value], {"x": value}, {last: value})))
    elif how == "move":
        *other, end = draw(st.sampled_from(found))
        there = tree
        for key in other:
            there = there[key]
        above[last] = copy.deepcopy(there[end])
    elif how == "text":
        above[last] = str(value) + draw(st.sampled_from(("", " ", "x", "'", "\n", "0")))
    else:
        above[last] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    return tree


@st.composite
def trees(draw: st.DrawFn, texts: tuple[str, ...]) -> bytes:
    """One of some documents with one to three values changed."""
    tree = yaml.safe_load(draw(st.sampled_from(texts))) or {}
    for _ in range(draw(st.sampled_from((1, 1, 2, 3)))):
        tree = _changed(draw, tree)
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


@st.composite
def damaged_texts(draw: st.DrawFn, texts: tuple[str, ...]) -> bytes:
    """One of some documents with pieces put in, taken out, doubled, or in bytes that are no UTF-8."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 40)))
        how = draw(st.sampled_from(("insert", "insert", "cut", "double", "overwrite")))
        piece = draw(st.sampled_from(FRAGMENTS)) if how in ("insert", "overwrite") else ""
        kept = text[begin:end] * {"insert": 1, "cut": 0, "double": 2, "overwrite": 0}[how]
        text = text[:begin] + piece + kept + text[end:]
    encoding = draw(st.sampled_from(("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")))
    content = text.encode(encoding, "replace")
    return content + draw(st.sampled_from((b"", b"", b"", b"\xff", b"\x00", b"\xed\xa0\x80")))
