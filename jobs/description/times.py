"""How a time is written: the spellings that are recognised, and which of them a column's values follow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

EARLIEST, LATEST = datetime(1995, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
"""Logs lie between these; a number that would mean another moment is no such time."""
TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
UNIT_WORDS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
SHARE_THAT_MUST_READ = 0.95
VALUES_TRIED = 500
ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{1,2}(:\d{1,2}(\.\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True)
class Spelling:
    """One way to write a time: as the description's `unit` and `pattern`, and in words."""

    unit: str
    pattern: str
    words: str

    def to_yaml(self, column: str) -> str:
        """The value of `time` in a description."""
        unit = f", unit: {self.unit}" if self.unit != "text" else ""
        pattern = f', pattern: "{self.pattern}"' if self.pattern else ""
        return f"{{column: {column}{unit}{pattern}}}"


# Spark's letters, and Python's for the same. The first that reads nearly all values wins.
PATTERNS = (
    ("yyyyMMdd", "%Y%m%d", r"\d{8}"),
    ("yyMMddHH", "%y%m%d%H", r"\d{8}"),
    ("yyyyMMddHH", "%Y%m%d%H", r"\d{10}"),
    ("yyyyMMddHHmm", "%Y%m%d%H%M", r"\d{12}"),
    ("yyyyMMddHHmmss", "%Y%m%d%H%M%S", r"\d{14}"),
    ("dd.MM.yyyy HH:mm:ss", "%d.%m.%Y %H:%M:%S", r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}:\d{2}"),
    ("dd.MM.yyyy HH:mm", "%d.%m.%Y %H:%M", r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}"),
    ("dd.MM.yyyy", "%d.%m.%Y", r"\d{2}\.\d{2}\.\d{4}"),
    ("MM/dd/yyyy HH:mm:ss", "%m/%d/%Y %H:%M:%S", r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}"),
    ("dd/MM/yyyy HH:mm:ss", "%d/%m/%Y %H:%M:%S", r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}"),
    ("MM/dd/yyyy HH:mm", "%m/%d/%Y %H:%M", r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}"),
    ("dd/MM/yyyy HH:mm", "%d/%m/%Y %H:%M", r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}"),
    ("MM/dd/yyyy hh:mm:ss a", "%m/%d/%Y %I:%M:%S %p", r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2} [AaPp][Mm]"),
    ("M/d/yyyy H:mm:ss", "%m/%d/%Y %H:%M:%S", r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}"),
    ("d/M/yyyy H:mm:ss", "%d/%m/%Y %H:%M:%S", r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2}"),
    ("M/d/yyyy H:mm", "%m/%d/%Y %H:%M", r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}"),
    ("d/M/yyyy H:mm", "%d/%m/%Y %H:%M", r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}"),
    ("M/d/yyyy h:mm:ss a", "%m/%d/%Y %I:%M:%S %p", r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}:\d{2} [AaPp][Mm]"),
    ("M/d/yyyy h:mm a", "%m/%d/%Y %I:%M %p", r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2} [AaPp][Mm]"),
    ("d.M.yyyy H:mm:ss", "%d.%m.%Y %H:%M:%S", r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}:\d{2}"),
    ("d.M.yyyy H:mm", "%d.%m.%Y %H:%M", r"\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d{2}"),
    ("dd.MM.yy HH:mm", "%d.%m.%y %H:%M", r"\d{2}\.\d{2}\.\d{2} \d{2}:\d{2}"),
    ("dd-MMM-yyyy HH:mm:ss", "%d-%b-%Y %H:%M:%S", r"\d{2}-[A-Z][a-z]{2}-\d{4} \d{2}:\d{2}:\d{2}"),
    ("yyyy/MM/dd HH:mm:ss.SSS", "%Y/%m/%d %H:%M:%S.%f", r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}\.\d{3}"),
    ("yyyy/MM/dd HH:mm:ss.SSSSSS", "%Y/%m/%d %H:%M:%S.%f", r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}\.\d{6}"),
    ("yyyy/MM/dd HH:mm:ss", "%Y/%m/%d %H:%M:%S", r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}:\d{2}"),
    ("yyyy/MM/dd HH:mm", "%Y/%m/%d %H:%M", r"\d{4}/\d{2}/\d{2} \d{2}:\d{2}"),
    ("yyyy/MM/dd", "%Y/%m/%d", r"\d{4}/\d{2}/\d{2}"),
    ("dd/MMM/yyyy:HH:mm:ss Z", "%d/%b/%Y:%H:%M:%S %z", r"\d{2}/\w{3}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}"),
)
ISO_SPELLING = Spelling("text", "", "ISO 8601 text")


def spelling_of(values: Sequence[str]) -> Spelling | None:
    """The spelling that nearly all of some non-empty values follow; None where there is none.

    Numbers are moments since 1970 in the unit that puts them between 1995 and 2060. A number that counts from another
    origin is not recognised: see `counts_from_zero`.
    """
    tried = [value.strip() for value in values[:: max(1, len(values) // VALUES_TRIED)] if value.strip()]
    if not tried:
        return None
    if _nearly_all([bool(ISO.fullmatch(value)) for value in tried]):
        return ISO_SPELLING
    for pattern, python, shape in PATTERNS:
        if _nearly_all([_reads(value, python, shape) for value in tried]):
            return Spelling("text", pattern, f"text of the pattern {pattern}")
    numbers = [float(value) for value in tried if NUMBER.fullmatch(value)]
    if len(numbers) < SHARE_THAT_MUST_READ * len(tried):
        return None
    for unit, ticks in TICKS.items():
        if _nearly_all([EARLIEST.timestamp() <= number / ticks <= LATEST.timestamp() for number in numbers]):
            return Spelling(unit, "", f"{UNIT_WORDS[unit]} since 1970")
    return None


def counts_from_zero(values: Sequence[str]) -> bool:
    """Whether values may be seconds since the log's own beginning: whole, never negative, many, under ten years."""
    numbers = [float(value) for value in values if NUMBER.fullmatch(value)]
    if not values or len(numbers) < len(values):
        return False
    whole = all(number == int(number) and number >= 0 for number in numbers)
    return whole and 3_600 < max(numbers) < 10 * 366 * 86_400 and len(set(numbers)) > len(numbers) / 10


def _nearly_all(held: Sequence[bool]) -> bool:
    return sum(held) >= SHARE_THAT_MUST_READ * len(held) > 0


def _reads(value: str, python: str, shape: str) -> bool:
    if not re.fullmatch(shape, value):
        return False
    try:
        read = datetime.strptime(value, python)
    except ValueError:
        return False
    return EARLIEST.year <= read.year < LATEST.year
