"""How names, paths, durations and moments are written in a description."""

from __future__ import annotations

import codecs
import re
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field

from conf.refusals import nearest

MOST_DAYS = 3_660
"""Ten years: with more, a day minus so many could lie before the calendar begins, and no log has them."""
LONGEST_NAME = 255
"""Bytes that file systems let a name have."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = frozenset(
    {"dt", "arrived", "impression_id", "pair_id", "event_time", "user_id", "ad_id", "p_click", "hour", "weekday"}
    | {"clicked", "clicked_provisional", "click_arrived", "final", "known_on"}
)


def names_in(text: str) -> tuple[str, ...]:
    """Names that an option gives with commas between them, in their order."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _identifier(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"`{value}` must be lower-case letters, digits and `_`, starting with a letter, at most 40")
    return value


DATE_FIELD = re.compile(r"\{date(?::([^}]+))?\}")
"""The day in a path: `{date}`, or `{date:%Y%m%d}` for another spelling."""
DAY_DIRECTIVES = ({"Y", "m", "d"}, {"y", "m", "d"}, {"Y", "b", "d"}, {"Y", "B", "d"}, {"Y", "j"}, {"y", "j"})
"""Which parts of a date tell a day together."""
PATTERN_LETTERS = frozenset("GyuMLdDEQqwWFahHKkmsSVzOXxZ")
"""Letters with a meaning in Spark's patterns of times."""
Item = TypeVar("Item")


def _file_pattern(value: str) -> str:
    parts = PurePosixPath(value).parts
    if not parts or value.startswith(("/", "~")) or ".." in parts:
        raise ValueError(f"`{value}` must be a path inside the data folder, without `..`")
    if any("**" in part and part != "**" for part in parts) or parts[-1] == "**":
        raise ValueError(f"`{value}`: `**` stands for folders, between two `/`; write `*` for what varies in a name")
    if not value.isprintable() or max(map(len, parts)) > LONGEST_NAME:
        raise ValueError(f"`{value!r}` can be no path: a name has at most {LONGEST_NAME} characters, all printable")
    if "{" in DATE_FIELD.sub("", value):
        raise ValueError(
            f"`{value}` has a field that is not `{{date}}` or `{{date:%Y%m%d}}`; write `*` for what varies"
        )
    for spelling in DATE_FIELD.findall(value):
        directives = set(re.findall(r"%(.)", spelling))
        if spelling and directives - {"Y", "y", "m", "b", "B", "d", "j"}:
            raise ValueError(f"`{spelling}` in `{value}` tells more than a day; write `*` for what varies within it")
    told = {letter for spelling in DATE_FIELD.findall(value) for letter in re.findall(r"%(.)", spelling or "%Y%m%d")}
    if told and not any(day <= told for day in DAY_DIRECTIVES):
        raise ValueError(f"`{value}` does not tell a day; write for example `{{date:%Y%m%d}}`")
    return value


def _zone(value: str) -> str:
    if value not in available_timezones():
        near = nearest(value, available_timezones())
        raise ValueError(f"`{value}` is no known time zone" + (f"; did you mean `{near}`?" if near else ""))
    return value


def _zone_if_any(value: str) -> str:
    return _zone(value) if value else value


def _time_pattern(value: str) -> str:
    unknown = sorted(set(re.findall("[A-Za-z]", re.sub("'[^']*'", "", value))) - PATTERN_LETTERS)
    if unknown:
        raise ValueError(
            f"`{value}`: `{unknown[0]}` means nothing in a pattern of times; put plain text into quotes: 'T'"
        )
    return value


def _delimiter(value: str) -> str:
    if value and (len(value) != 1 or not value.isascii() or value in '"\r\n\0' or value.isalnum()):
        raise ValueError(f'`{value}` cannot part fields: give one character such as `;`, `|` or a tab ("\\t")')
    return value


def _encoding(value: str) -> str:
    try:
        plain = codecs.getincrementaldecoder(value)("replace").decode("a\n".encode(value), final=True) == "a\n"
    except (LookupError, ValueError, TypeError) as error:
        raise ValueError(_no_encoding(value)) from error
    if not plain or re.search("escape|idna|punycode", value.lower()):  # notations of Python's and of host names
        raise ValueError(_no_encoding(value))
    return value


def _no_encoding(value: str) -> str:
    return f"`{value}` is no known encoding; for example `utf-8`, `latin-1`, `cp1252`, `utf-16`"


def _column(value: str) -> str:
    if not value or "`" in value or not value.isprintable() or len(value) > LONGEST_NAME:
        raise ValueError(
            f"{value!r} can be no column's name here: at most {LONGEST_NAME} printable characters, no backtick; "
            "give it another name with `rename`"
        )
    return value


def _each_once(values: tuple[Item, ...]) -> tuple[Item, ...]:
    doubled = [value for value in values if values.count(value) > 1]
    if doubled:
        said = ", ".join(map(str, doubled[0])) if isinstance(doubled[0], tuple) else doubled[0]
        raise ValueError(f"`{said}` stands in it twice")
    return values


def _words(value: object) -> object:
    """One word or a list of them, as text: YAML hands numbers over as numbers."""
    words = value if isinstance(value, list | tuple) else [value]
    return [str(word) if isinstance(word, str | int) and not isinstance(word, bool) else word for word in words]


def _duration(value: str) -> str:
    parse_duration(value)
    return value


def _moment(value: object) -> str:
    """An ISO day or time as text; YAML hands an unquoted one over as a date."""
    text = str(value).strip()
    try:
        datetime.fromisoformat(text or "1970-01-01")
    except ValueError as error:
        raise ValueError(f"`{text}` is no day or time; write for example `2017-01-01` or `2017-01-01 06:00`") from error
    return text


def parse_duration(text: str) -> timedelta:
    """`30m`, `24h` or `7d` as a time span."""
    match = re.fullmatch(r"([0-9]{1,9})\s*([mhd])", text.strip())
    if not match or int(match[1]) == 0:
        raise ValueError(f"`{text}` is no duration; write for example `30m`, `24h` or `7d`")
    amount = int(match[1])
    span = {"m": timedelta(minutes=amount), "h": timedelta(hours=amount), "d": timedelta(days=amount)}[match[2]]
    if span > timedelta(days=MOST_DAYS):
        raise ValueError(f"`{text}` is longer than {MOST_DAYS} days")
    return span


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"`{value}` is no day; write for example `2026-01-31`") from error
    return value


def _plain_day(value: object) -> object:
    """An unquoted day, which YAML hands over as a date, as text."""
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else value


Identifier = Annotated[str, AfterValidator(_identifier)]
FilePattern = Annotated[str, AfterValidator(_file_pattern)]
Zone = Annotated[str, AfterValidator(_zone)]
ZoneIfAny = Annotated[str, AfterValidator(_zone_if_any)]
Delimiter = Annotated[str, AfterValidator(_delimiter)]
Encoding = Annotated[str, AfterValidator(_encoding)]
TimePattern = Annotated[str, AfterValidator(_time_pattern)]
EachOnce = Annotated[tuple[Item, ...], AfterValidator(_each_once)]
Words = Annotated[EachOnce[str], BeforeValidator(_words)]
Duration = Annotated[str, AfterValidator(_duration)]
Column = Annotated[str, AfterValidator(_column)]
Day = Annotated[str, BeforeValidator(_plain_day), AfterValidator(_day)]
DayCount = Annotated[int, Field(gt=0, le=MOST_DAYS)]
DaysOrNone = Annotated[int, Field(ge=0, le=MOST_DAYS)]
Port = Annotated[int, Field(gt=0, le=65_535)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Moment = Annotated[str, BeforeValidator(_moment)]
