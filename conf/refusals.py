"""What a settings file or a description is refused for, in words that fit on a screen."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ValidationError

from conf.secret_values import is_secret_name, without_secrets

MOST_LINES = 20
LONGEST_LINE = 500
LONGEST_NAME = 64
"""A longer name is no misspelt one."""


def explained(error: ValidationError, model: type[BaseModel], source: str) -> str:
    """A validation error in words: source, setting, what is wrong, and the nearest known name for a misspelt one."""
    found = error.errors(include_url=False, include_context=False)
    lines = [fitting(f"{source}: {line}") for item in found[:MOST_LINES] for line in _lines(item, model)]
    more = len(found) - MOST_LINES
    return "\n".join([*lines, f"{source}: and {more:,} more like these."] if more > 0 else lines)


def _lines(item: object, model: type[BaseModel]) -> Iterator[str]:
    """What one finding of pydantic says."""
    assert isinstance(item, dict)
    place = item["loc"]
    where, said = ".".join(str(part) for part in place), str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        known = _fields_at(model, place[:-1])
        near = nearest(str(place[-1]), known)
        hint = f" Did you mean `{near}`?" if near else f" Known here: {', '.join(known)}." if known else ""
        yield f"unknown setting `{where}`.{hint}"
    elif not where:  # what several settings make together
        yield from (f"{line}." for line in said.splitlines()[:MOST_LINES])
    else:
        given = {} if any(is_secret_name(str(part)) for part in place) else item.get("input")
        shown = reprlib.repr(without_secrets(given) if isinstance(given, str) else given)
        found = "" if isinstance(given, dict) else f" (found {without_secrets(shown)})"
        yield f"setting `{where}`: {said}{found}."


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that a name may be misspelt for; empty where there is none."""
    near = difflib.get_close_matches(name, known, n=1) if len(name) <= LONGEST_NAME else []
    return near[0] if near else ""


def fitting(line: str, longest: int = LONGEST_LINE) -> str:
    """A line with what cannot be seen told by its number, and its middle left out where it is long."""
    plain = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in line)
    half = longest // 2
    return plain if len(plain) <= longest else f"{plain[:half]} ... {plain[-half:]}"


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return []
        model = field.annotation
    return list(model.model_fields)
