"""Figures of the holdout with bounds: they hold the truth about as often as they say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from jobs.holdout import HoldoutFigures, holdout_figures, reliability


def drawn(rows=4000, users=400, seed=1, lift=0.0):
    """Users of different taste: p without it, clicks with it, and whose they are."""
    random = np.random.default_rng(seed)
    user = random.integers(0, users, rows)
    p = random.uniform(0.02, 0.3, rows)
    return p, (random.random(rows) < p + lift).astype(float), user


def test_groups_of_the_curve_hold_all_rows_and_rise():
    p, y, user = drawn()
    groups = reliability(p, y, user)
    assert sum(group.impressions for group in groups) == len(p)
    assert [group.predicted for group in groups] == sorted(group.predicted for group in groups)
    assert all(group.low <= group.observed <= group.high for group in groups)


def test_bounds_hold_a_right_model_and_not_a_wrong_one():
    right = [group for seed in range(10) for group in reliability(*drawn(seed=seed))]
    held = [group.low <= group.predicted <= group.high for group in right]
    assert 0.88 < np.mean(held) < 0.99
    wrong = [group for seed in range(10) for group in reliability(*drawn(seed=seed, lift=0.1))]
    assert np.mean([group.low <= group.predicted <= group.high for group in wrong]) < 0.3


def test_a_group_without_a_click_has_bounds_that_are_not_nothing():
    p, user = np.full(300, 0.01), np.arange(300)
    [group] = reliability(p, np.zeros(300), user)
    assert (group.observed, group.low) == (0.0, 0.0)
    assert 0.005 < group.high < 0.03


def test_a_group_of_a_single_user_tells_nothing_and_is_left_out():
    assert reliability(np.full(50, 0.1), np.zeros(50), np.zeros(50, dtype=int)) == ()


def test_slices_have_figures_with_bounds_and_survive_json(tiny):
    import json

    p, y, user = drawn()
    slots = np.where(np.arange(len(p)) % 3 == 0, "top", "side").astype(object)
    slots[:5] = None
    rows = pa.table(
        {"clicked": y.astype(int), "user_id": [f"u{one}" for one in user], "slot": list(slots)}
        | {"user__impressions_7d": user % 30, "ad__impressions_7d": [None] * len(p)}
    )
    found = holdout_figures(tiny, rows, p)
    by_name = {one.slice_name: one for one in found.slices}
    slots = ["slot=missing", "slot=side", "slot=top"]
    assert list(by_name) == ["all", *slots, "user_seen=never", "user_seen=little", "user_seen=much", "ad_seen=never"]
    assert by_name["all"].impressions == sum(by_name[name].impressions for name in slots) == len(p)
    low, high = by_name["slot=top"].calibration_bounds
    assert low < by_name["slot=top"].calibration_ratio < high
    low, high = by_name["all"].ne_bounds
    assert low < by_name["all"].ne < high
    low, high = by_name["slot=top"].ece_bounds
    assert 0.0 <= low <= by_name["slot=top"].ece <= high
    assert by_name["slot=missing"].calibration_ratio is None or by_name["slot=missing"].impressions == 5
    assert HoldoutFigures.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_bounds_of_the_calibration_ratio_are_none_where_clicks_are_too_few(tiny):
    seen = {"user__impressions_7d": [1.0] * 4, "ad__impressions_7d": [1.0] * 4}
    rows = pa.table({"clicked": [0, 0, 0, 0], "user_id": ["a", "b", "c", "d"], "slot": ["top"] * 4} | seen)
    figures = holdout_figures(tiny, rows, np.full(4, 0.1)).slices[0]
    assert (figures.calibration_ratio, figures.calibration_bounds) == (None, None)
    assert figures.ne is None and figures.ctr == pytest.approx(0.0)
