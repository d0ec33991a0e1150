"""The days of a log whose files hold all of them: which are the log's own, and which night takes the rows of no day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from jobs.store.spans import Span

FAR_DAYS = 3_660
"""Ten years: a row that lies further from the middle of its log has no day that a night could be run for."""


def days_taken_with(rows: Mapping[str, int], day: date) -> tuple[list[str], Span | None]:
    """The names of the days whose rows a night takes, out of the numbers of rows by day.

    That is its own; with the first day of all go the strays, whose day is unknown or far from all others. It has the
    span of those too.
    """
    own = days_of_the_log(rows)
    if not own or own[0] != day.isoformat():
        return [day.isoformat()], None
    return [own[0], *sorted(rows.keys() - {*own})], usual_span(rows)


def days_of_the_log(rows: Mapping[str, int]) -> list[str]:
    """The names of the days that a night can be run for, in order."""
    first, last = usual_span(rows)
    days = [found for name in rows if (found := _as_day(name)) is not None]
    return [day.isoformat() for day in sorted(days) if first <= day <= last]


def usual_span(rows: Mapping[str, int]) -> Span:
    """The days that lie within FAR_DAYS of the one in the middle of all rows. What lies outside has a broken time."""
    days = sorted((found, count) for name, count in rows.items() if (found := _as_day(name)))
    middle, left = date(1970, 1, 1), sum(count for _, count in days) / 2
    for found, count in days:
        middle, left = found, left - count
        if left <= 0:
            break
    reach = timedelta(days=FAR_DAYS)
    return max(middle, date.min + reach) - reach, min(middle, date.max - reach) + reach


def _as_day(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:  # unknown, or of a year that no calendar has
        return None
