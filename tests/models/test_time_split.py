from datetime import date, timedelta

import pytest

from conf.errors import NotReady
from models.split import time_split


def _may(*days: int) -> tuple[date, ...]:
    return tuple(date(2024, 5, day) for day in days)


def test_days_are_split_in_order_with_the_gap_left_out() -> None:
    split = time_split(_may(*range(1, 11)), validation_days=2, holdout_days=1, gap_days=2)
    assert split.train == _may(1, 2, 3, 4, 5)
    assert split.validation == _may(8, 9)
    assert split.holdout == _may(10)


def test_a_gap_before_the_holdout_is_kept_where_asked() -> None:
    split = time_split(_may(*range(1, 9)), validation_days=1, holdout_days=2, gap_days=1, holdout_gap_days=2)
    assert (split.train, split.validation, split.holdout) == (_may(1, 2), _may(4), _may(7, 8))


def test_a_missing_day_counts_towards_the_gap() -> None:
    split = time_split(_may(1, 2, 3, 5, 6), validation_days=1, holdout_days=1, gap_days=1)
    assert (split.train, split.validation, split.holdout) == (_may(1, 2, 3), _may(5), _may(6))


def test_order_and_repetition_of_the_days_do_not_matter() -> None:
    split = time_split(_may(3, 1, 2, 3), validation_days=1, holdout_days=1, gap_days=0)
    assert (split.train, split.validation, split.holdout) == (_may(1), _may(2), _may(3))


def test_without_holdout_the_latest_days_validate() -> None:
    split = time_split(_may(1, 2, 3), validation_days=1, holdout_days=0, gap_days=1)
    assert (split.train, split.validation, split.holdout) == (_may(1), _may(3), ())


def test_just_enough_days_are_enough() -> None:
    split = time_split(_may(1, 2, 3, 4), validation_days=1, holdout_days=1, gap_days=1)
    assert split.train == _may(1)


@pytest.mark.parametrize("days", [0, 1, 2, 3])
def test_too_few_days_say_how_many_are_needed(days: int) -> None:
    known = [date(2024, 5, 1) + timedelta(days=day) for day in range(days)]
    with pytest.raises(NotReady, match=f"There are {days} mature days.*needs 4"):
        time_split(known, validation_days=1, holdout_days=1, gap_days=1)
