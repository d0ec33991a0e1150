"""Columns made comparable before they are measured."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from monitoring.column_values import (
    MISSING,
    OTHER,
    category_bars,
    category_values,
    folded,
    magnification,
    numeric_bars,
    numeric_values,
    unit_factor,
)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1, None, 3], dtype="UInt8"),
        pd.Series([1, None, 3], dtype="float64[pyarrow]"),
        pd.Series([Decimal(1), None, Decimal(3)]),
        pd.Series(["1", "many", "3"]),
        pd.Series([1.0, float("inf"), 3.0]),
    ],
)
def test_numbers_of_any_type_become_floats_and_the_rest_missing(column: pd.Series) -> None:
    found = numeric_values(column)
    assert found.dtype == np.float64
    assert found.isna().tolist() == [False, True, False]
    assert found.dropna().tolist() == [1.0, 3.0]


def test_booleans_count_as_numbers() -> None:
    assert numeric_values(pd.Series([True, False])).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([3, 4, None]),
        pd.Series([3, 4, None], dtype="Int64"),
        pd.Series(["3", "4", None], dtype="string"),
        pd.Series(["3", "4", None], dtype="category"),
    ],
)
def test_a_category_is_spelled_alike_whatever_its_type(column: pd.Series) -> None:
    assert category_values(column).tolist() == ["3", "4", None]


def test_the_fold_keeps_the_references_most_frequent_and_missing() -> None:
    reference = pd.Series(["a"] * 3 + ["b"] * 2 + ["c", None], dtype=object)
    current = pd.Series(["a", "c", "new", None], dtype=object)
    found = folded(current, reference, top=2)
    assert found.current.tolist() == ["a", OTHER, OTHER, MISSING]
    assert found.reference.tolist() == ["a", "a", "a", "b", "b", OTHER, MISSING]
    assert found.unseen_share == pytest.approx(1 / 3)


def test_a_tie_is_kept_in_the_order_of_names() -> None:
    values = pd.Series(["b", "a", "c"], dtype=object)
    assert set(folded(values, values, top=1).current) == {"a", OTHER}


@pytest.mark.parametrize(("deviation", "factor"), [(1.0, 1.0), (0.001, 1.0), (0.0009, 10.0), (0.00002, 100.0)])
def test_small_deviations_are_lifted_above_the_floor(deviation: float, factor: float) -> None:
    assert magnification(pd.Series([-deviation, deviation])) == factor


def test_a_constant_column_is_left_as_it_is() -> None:
    assert magnification(pd.Series([2.0, 2.0])) == 1.0


def test_bars_show_the_categories_that_matter_on_either_side() -> None:
    current = pd.Series(["new"] * 8 + ["a", "b"], dtype=object)
    reference = pd.Series(["a"] * 9 + ["b"], dtype=object)
    bars = category_bars(current, reference, drawn=3)
    assert bars.labels == ("a", "new", "b")
    assert bars.current == pytest.approx((0.1, 0.8, 0.1))
    assert bars.reference == pytest.approx((0.9, 0.0, 0.1))


def test_one_extreme_value_does_not_squeeze_the_histogram() -> None:
    values = pd.Series([*range(1000), 1e9], dtype=float)
    bars = numeric_bars(values, values, bins=10)
    assert max(bars.current) < 0.2


def test_a_constant_column_has_a_histogram() -> None:
    values = pd.Series([2.0, 2.0])
    assert sum(numeric_bars(values, values).current) == 1.0


BIDS = pd.Series(np.random.default_rng(1).lognormal(-1.0, 0.5, 5_000))


@pytest.mark.parametrize("factor", [100.0, 0.001, 3.5])
def test_values_of_another_size_and_the_same_shape_have_changed_their_unit(factor: float) -> None:
    other = pd.Series(np.random.default_rng(2).lognormal(-1.0, 0.5, 5_000)) * factor
    assert unit_factor(other, BIDS, 3.0, 0.2) == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(BIDS * 2.5, id="not by enough"),
        pytest.param(pd.Series(np.random.default_rng(2).lognormal(2.0, 1.5, 5_000)), id="another shape"),
        pytest.param(pd.Series(np.full(5_000, 40.0)), id="a constant"),
        pytest.param(pd.concat([BIDS * 100, -BIDS]), id="half below 0"),
        pytest.param(pd.Series([], dtype="float64"), id="none"),
    ],
)
def test_other_changes_are_no_change_of_unit(now: pd.Series) -> None:
    assert unit_factor(now, BIDS, 3.0, 0.2) is None


@pytest.mark.parametrize("huge", [[1e308, -1e308, 1e39, 1.5] * 20, [1e308] * 80])
def test_numbers_whose_range_is_infinite_are_drawn_and_scaled_all_the_same(huge):
    now, then = (numeric_values(pd.Series(side)) for side in (huge, range(80)))
    for one, other in ((now, then), (then, now), (now, now)):
        bars = numeric_bars(one, other)
        assert sum(bars.current) == pytest.approx(1.0) and sum(bars.reference) == pytest.approx(1.0)
        assert np.isfinite(magnification(other))
