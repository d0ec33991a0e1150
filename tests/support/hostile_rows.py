"""Rows of the small click log's impressions with every kind of bad value, and what must become of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta

from hypothesis import strategies as st
from landing_files import FIRST, IMPRESSION

LATE_DAYS = 2
LONG = "x" * 10_000

GOOD_IDS = (
    *(
        "i1",
        "i2",
        "i3",
        "u1",
        "5",
        "5.0",
        "-7.000",
        "0",
        "00012",
        "1e5",
        "12e4567890123456",
        "0x1F",
        "true",
        "null",
        "None",
    ),
    *(
        "a,b",
        'say "hi"',
        "semi;colon",
        "tab\tinside",
        "pipe|",
        "line\nbreak",
        "\u00fcn\u00ef",
        "\U0001f600",
        "\u202eabc",
        "\u2028",
    ),
    *(
        "'; DROP TABLE impressions; --",
        "../../etc/passwd",
        "<script>alert(1)</script>",
        "{{ conn.x }}",
        "$(id)",
        "=1+1",
        "`x`",
    ),
    *("{0B5D}", "[1]", "\u0661", "\uff11", "nul\0inside", "\x07", "\x85", "\u00a0", "%s%n", "\\", "\\N", LONG),
)
BAD_IDS = ("", " ", "    ", "1.23E+11", "1e+17", "-4.5e12", "inf", "-Infinity", "NaN\u241fx")
"""No id, or one that has lost its digits, or one that holds the sign between the parts of a key."""

TIMES: tuple[tuple[str, date | None], ...] = (
    *((f"{FIRST} {clock}", FIRST) for clock in ("00:00:00", "12:00", "23:59:59.999999", "9:5:7", "10:00:00.123456789")),
    *(
        (f"{FIRST}{clock}", FIRST)
        for clock in ("", "T00:00:00+01:00", "T22:59:59Z", " 10:00:00 UTC", "T10:00:00.5+0100")
    ),
    (f" {FIRST} 10:00:00  ", FIRST),
    (f"{FIRST - timedelta(days=1)} 23:59:59", FIRST - timedelta(days=1)),
    (f"{FIRST - timedelta(days=2)} 00:00:00", FIRST - timedelta(days=2)),
    ("2026-1-9 5:00", FIRST - timedelta(days=1)),
)
"""Times that can be used on the first night, and their day in the log's zone."""

BAD_TIMES = (
    *(
        "",
        " ",
        "never",
        "now",
        "today",
        "NaN",
        "inf",
        "1e999",
        "0",
        "-1",
        "1768042800",
        "10:30",
        "2026",
        "2026-01",
        "20260110",
    ),
    *(
        "2026-02-30 10:00:00",
        "2026-01-10 25:00:00",
        "2026-01-10 23:59:60",
        "2026-01-10 23:60:00",
        "2026-13-01",
        "2026-01-00",
    ),
    *(
        "2025-12-31 23:59:60Z",
        "0000-01-01 00:00:00",
        "0001-01-01 00:00:00",
        "9999-12-31 23:59:59",
        "9999-12-31 23:59:59-12:00",
    ),
    *(
        "10000-01-01 00:00:00",
        "-2026-01-10 00:00:00",
        "1969-12-31 23:59:59",
        "1970-01-01",
        "2038-01-19 03:14:08",
        "1900-01-01",
    ),
    *(
        "2026-01-10T",
        "2026-01-10 12:00:00 Mars/Olympus",
        "2026-01-10 12:00:00+99:00",
        "\uff12\uff10\uff12\uff16-01-10",
        "2026/01/10",
    ),
    *(
        "10.01.2026 12:00",
        "2026-01-10 12:00:00; DROP",
        "2026-01-10\n12:00:00",
        "2026-01-11 00:00:00",
        "2026-01-07 23:59:59",
    ),
    *(
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-18:00",
        "2026-01-10 12:00:00.",
        "x" * 5_000,
        "9" * 400,
        "\0",
        "2262-04-12",
    ),
)
"""Times that cannot be read, or that no row of the first night may have."""

SLOTS = (
    "top",
    "side",
    "",
    "5",
    "5.0",
    " top ",
    "NULL",
    "a,b",
    '"',
    "line\nbreak",
    "\u00fc",
    "\0",
    LONG,
    "<b>",
    "inf",
    "1e+17",
)
NUMBERS: tuple[tuple[str, float | None], ...] = (
    *(
        ("1.5", 1.5),
        ("-2", -2.0),
        ("1e3", 1000.0),
        (" 7 ", 7.0),
        ("-0", 0.0),
        ("1e-320", 1e-320),
        ("1.7e308", 1.7e308),
        ("+3", 3.0),
    ),
    *((word, None) for word in ("", " ", "NULL", "null", "NaN", "nan", "n/a", "N/A", "\\N", "-", "?", "None")),
)
BAD_NUMBERS = (
    *(
        "abc",
        "inf",
        "-Infinity",
        "1e999",
        "-1e999",
        "0x10",
        "1,5",
        "1.2.3",
        "--1",
        "1e",
        "e5",
        ".",
        "1d",
        "1f",
        "1_000",
        "\u0661",
    ),
    *("\uff11", "1 2", "0x1p3", "1\0", "$5", "50%", "true", "9" * 400, "1e1e1", "\u221e"),
)


@dataclass(frozen=True)
class HostileRow:
    """The cells of one row as text, and why it cannot be used; empty where it can."""

    cells: dict[str, str]
    wrong: str = ""
    day: date | None = None
    bid: float | None = None
    raw: bytes = field(default=b"", repr=False)
    """In place of the cells: bytes of a line that is no row."""

    @property
    def values(self) -> tuple[object, ...]:
        """What the table must hold of a row that can be used."""
        named = (as_code(self.cells[name]) for name in ("impression_id", "user", "ad", "slot"))
        return (self.day, *named, self.bid)


def as_code(text: str) -> str | None:
    """An id or category as the tables have it: without blanks, a whole number without its fraction."""
    plain = text.strip(" ")
    whole = re.fullmatch(r"([-+]?[0-9]+)\.0+", plain)
    return whole[1] if whole else plain or None


@st.composite
def rows(draw: st.DrawFn) -> HostileRow:
    """A row: mostly with one bad value at most, so that each is tried alone."""
    day_text, day = draw(st.sampled_from(TIMES))
    bid_text, bid = draw(st.sampled_from(NUMBERS))
    cells = {name: draw(st.sampled_from(GOOD_IDS)) for name in ("impression_id", "user", "ad")}
    cells["impression_id"] += draw(st.sampled_from(("", "-a", "-b", "-c", "-d", "-e")))
    cells |= {"shown_at": day_text, "slot": draw(st.sampled_from(SLOTS)), "bid": bid_text}
    wrong = draw(st.sampled_from(("", "", "", "impression_id", "user", "ad", "shown_at", "bid")))
    if wrong in ("impression_id", "user", "ad"):
        cells[wrong] = draw(st.sampled_from(BAD_IDS))
    elif wrong == "shown_at":
        cells[wrong], day = draw(st.sampled_from(BAD_TIMES)), None
    elif wrong == "bid":
        cells[wrong], bid = draw(st.sampled_from(BAD_NUMBERS)), None
    return HostileRow({name: cells[name] for name in IMPRESSION}, wrong, day, bid)
