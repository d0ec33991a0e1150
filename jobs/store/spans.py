"""Spans of days, and the filters for the rows in them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

Span = tuple[date, date]
"""First and last day."""


def between(first: date, last: date, column: str = "dt") -> BooleanExpression:
    """The rows whose day lies from `first` to `last`, both included."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    return And(GreaterThanOrEqual(column, first), LessThanOrEqual(column, last))
