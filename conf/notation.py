"""How names, paths, durations and moments are written in a description."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = frozenset(
    {"dt", "arrived", "impression_id", "pair_id", "event_time", "user_id", "ad_id", "p_click", "hour", "weekday"}
    | {"clicked", "clicked_provisional", "click_arrived", "final", "known_on"}
)


def _identifier(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"`{value}` must be lower-case letters, digits and `_`, starting with a letter, at most 40")
    return value


def _inside_the_data_folder(value: str) -> str:
    if value.startswith(("/", "~")) or ".." in Path(value).parts:
        raise ValueError(f"`{value}` must be a path inside the data folder, without `..`")
    return value


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
FilePattern = Annotated[str, AfterValidator(_inside_the_data_folder)]
Duration = Annotated[str, AfterValidator(_duration)]
Moment = Annotated[str, BeforeValidator(_moment)]
