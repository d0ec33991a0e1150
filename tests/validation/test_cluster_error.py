"""The clustered error against what it claims: hand figures, and the spread of many drawn worlds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from validation.cluster_error import Estimate, clustered_ratio


def test_two_clusters_by_hand() -> None:
    estimate = clustered_ratio(np.array([1.0, 1.0, 4.0]), np.ones(3), np.array([0, 0, 1]))
    assert estimate.value == 2.0
    # The mean is 4 without the first cluster and 1 without the second.
    assert estimate.error == pytest.approx(math.sqrt(1 / 2 * ((4 - 2) ** 2 + (1 - 2) ** 2)))
    assert estimate.clusters == 2


def test_clusters_of_one_row_give_the_usual_error_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(size=500)
    estimate = clustered_ratio(values, np.ones(500), np.arange(500))
    assert estimate.error == pytest.approx(values.std(ddof=1) / math.sqrt(500))


def test_codes_without_rows_are_no_clusters() -> None:
    values = np.array([1.0, 2.0, 4.0])
    assert clustered_ratio(values, np.ones(3), np.array([0, 5, 9])) == clustered_ratio(
        values, np.ones(3), np.array([0, 1, 2])
    )


def test_the_error_matches_the_spread_of_many_draws_where_users_differ() -> None:
    rng = np.random.default_rng(2)
    users = np.repeat(np.arange(200), rng.integers(1, 30, 200))
    draws = [
        clustered_ratio(rng.normal(size=200)[users] + rng.normal(size=len(users)), np.ones(len(users)), users)
        for _ in range(400)
    ]
    spread = np.std([draw.value for draw in draws])
    assert np.mean([draw.error for draw in draws]) == pytest.approx(spread, rel=0.1)


def test_certainty_and_margin_are_the_same_bound() -> None:
    estimate = Estimate(value=0.3, error=0.1, clusters=40)
    assert estimate.certainty_above(0.3 - estimate.margin(0.99)) == pytest.approx(0.99)


@pytest.mark.parametrize(("value", "certainty"), [(0.1, 1.0), (0.0, 0.0), (-0.1, 0.0)])
def test_without_any_spread_a_gain_is_certain_and_a_tie_is_none(value: float, certainty: float) -> None:
    assert Estimate(value, 0.0, 40).certainty_above(0.0) == certainty


@pytest.mark.parametrize(("denominator", "cluster"), [([1.0, 1.0], [0, 0]), ([0.0, 0.0], [0, 1]), ([0.0, 1.0], [0, 1])])
def test_no_error_without_two_clusters_or_a_denominator(denominator: list[float], cluster: list[int]) -> None:
    with pytest.raises(ValueError, match="in two clusters"):
        clustered_ratio(np.ones(2), np.array(denominator), np.array(cluster))
