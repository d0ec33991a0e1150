"""What the errors of libraries say, for messages that a person reads."""

from __future__ import annotations

from collections.abc import Iterator


def first_line(error: object) -> str:
    """The first line in which an error says something; the name of its type where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, what it came from, what that came from, and so on: each once."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
