"""How names, paths, durations and moments are written in a description."""

from __future__ import annotations

import difflib
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator

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
    if value.startswith(("/", "~")) or ".." in Path(value).parts:
        raise ValueError(f"`{value}` must be a path inside the data folder, without `..`")
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
        near = difflib.get_close_matches(value, available_timezones(), n=1)
        raise ValueError(f"`{value}` is no known time zone" + (f"; did you mean `{near[0]}`?" if near else ""))
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
    if value and (len(value) != 1 or not value.isascii() or value in '"\r\n' or value.isalnum()):
        raise ValueError(f'`{value}` cannot part fields: give one character such as `;`, `|` or a tab ("\\t")')
    return value


def _encoding(value: str) -> str:
    try:
        "".encode(value)
    except LookupError as error:
        raise ValueError(
            f"`{value}` is no known encoding; for example `utf-8`, `latin-1`, `cp1252`, `utf-16`"
        ) from error
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
    match = re.fullmatch(r"(\d+)\s*([mhd])", text.strip())
    if not match or int(match[1]) == 0:
        raise ValueError(f"`{text}` is no duration; write for example `30m`, `24h` or `7d`")
    amount = int(match[1])
    return {"m": timedelta(minutes=amount), "h": timedelta(hours=amount), "d": timedelta(days=amount)}[match[2]]


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
Moment = Annotated[str, BeforeValidator(_moment)]
