"""Geometry of a model card's pictures."""

from __future__ import annotations

import pytest

from monitoring.model_charts import (
    BARS,
    CURVE,
    LABELS,
    WHISKER,
    Reliable,
    bar_chart,
    ratio_whiskers,
    reliability_chart,
    value_whiskers,
)


def test_groups_lie_within_the_plot_and_on_the_diagonal_where_predicted_is_observed():
    chart = reliability_chart([Reliable(0.01, 0.01, 0.0, 0.02, 100), Reliable(0.1, 0.1, 0.08, 0.12, 100)])
    for point in chart.points:
        assert CURVE.left <= point.x <= CURVE.right
        assert CURVE.top <= point.high <= point.y <= point.low <= CURVE.bottom
        across = (point.x - CURVE.left) / (CURVE.right - CURVE.left)
        up = (CURVE.bottom - point.y) / (CURVE.bottom - CURVE.top)
        assert across == pytest.approx(up, abs=0.002)
    assert "2 of 2 groups" in chart.summary
    assert {"1%", "10%"} <= {tick.text for tick in chart.x_ticks}


def test_a_group_without_a_click_and_a_single_group_can_be_drawn():
    chart = reliability_chart([Reliable(0.01, 0.0, 0.0, 0.03, 50)])
    assert chart.points[0].y == CURVE.bottom
    assert reliability_chart([]) is None


def test_bars_grow_with_their_values_from_the_left_or_from_a_line_in_the_middle():
    chart = bar_chart("Gain", {"a": 0.5, "b": 0.25}, lambda value: f"{value:.0%}")
    assert [(bar.start, bar.length) for bar in chart.bars] == [(LABELS, BARS), (LABELS, BARS / 2)]
    both = bar_chart("Weights", {"a": 1.0, "b": -1.0}, str)
    assert [bar.start for bar in both.bars] == [LABELS + BARS / 2, LABELS]
    assert [bar.rises for bar in both.bars] == [True, False]
    assert bar_chart("none", {}, str) is None


def test_a_long_label_is_cut_and_whole_on_hover():
    name = "a_feature_with_a_name_that_goes_on_and_on"
    [bar] = bar_chart("Gain", {name: 1.0}, str).bars
    assert bar.label.endswith("…") and len(bar.label) < len(name) and bar.text == f"{name}: 1.0"


def test_whiskers_of_ratios_stand_around_one_and_end_where_the_scale_ends():
    low, one, far, none = ratio_whiskers([(0.8, (0.7, 0.9)), (1.0, None), (40.0, (0.5, 90.0)), (None, None)])
    assert none is None
    assert one.at == one.mark == WHISKER / 2
    assert low.low < low.at < low.high < one.mark
    assert far.at == far.high <= WHISKER


def test_whiskers_of_values_share_a_scale_and_a_mark():
    first, second = value_whiskers([(0.9, (0.88, 0.92)), (0.95, (0.9, 1.0))], 0.9)
    assert first.mark == second.mark == first.at == second.low
    assert 0 < first.low < first.high < second.high < WHISKER


def test_values_that_are_all_alike_can_be_drawn():
    [only] = value_whiskers([(0.9, None)], 0.9)
    assert 0 <= only.at <= WHISKER
    [zero] = ratio_whiskers([(1.0, (1.0, 1.0))])
    assert zero.at == WHISKER / 2
