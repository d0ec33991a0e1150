"""Splitting days by time: learn from the past, choose on later days, prove on the latest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from conf.errors import NotReady


@dataclass(frozen=True)
class TimeSplit:
    """The exact days of each part, in order."""

    train: tuple[date, ...]
    validation: tuple[date, ...]
    holdout: tuple[date, ...]


def time_split(
    days: Sequence[date],
    *,
    validation_days: int,
    holdout_days: int,
    gap_days: int,
    holdout_gap_days: int = 0,
    min_train_days: int = 1,
) -> TimeSplit:
    """The last days as holdout, those before as validation, all earlier ones as training.

    `gap_days` calendar days between training and validation belong to neither, and `holdout_gap_days` between
    validation and holdout: as many as labels take to mature, so that no label of a part was still open when the next
    part began. Days that are absent from `days` are not made up. Raises NotReady where a part would be too small.
    """
    known = sorted(set(days))
    holdout, before = _last(known, holdout_days, holdout_gap_days)
    validation, train = _last(before, validation_days, gap_days)
    if len(train) < min_train_days or len(validation) < validation_days or len(holdout) < holdout_days:
        needed = min_train_days + gap_days + validation_days + holdout_gap_days + holdout_days
        raise NotReady(
            f"There are {len(known)} mature days, {_span(known)}; training needs {needed} without holes: "
            f"{min_train_days} to train, {gap_days} of gap, {validation_days} for validation, {holdout_gap_days} of "
            f"gap, {holdout_days} of holdout. Wait for more days or ask for fewer."
        )
    return TimeSplit(tuple(train), tuple(validation), tuple(holdout))


def _last(days: list[date], count: int, gap_days: int) -> tuple[list[date], list[date]]:
    """The last `count` days, and those that lie more than `gap_days` calendar days before the first of them."""
    if not count or len(days) < count:
        return (days if count else []), ([] if count else days)
    part = days[-count:]
    first_of_gap = part[0] - timedelta(days=gap_days)
    return part, [day for day in days if day < first_of_gap]


def _span(days: list[date]) -> str:
    return f"{days[0]} to {days[-1]}" if days else "none at all"
