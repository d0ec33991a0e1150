"""Chart geometry: gaps, axes and bars."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from monitoring.charts import FRAME, Event, Series, distribution_chart, nice_steps, spelled, trend_chart
from monitoring.measures import ColumnDrift, Distribution

DAYS = [date(2026, 1, 1) + timedelta(days=index) for index in range(5)]


def test_an_unknown_value_leaves_a_gap_and_a_lone_one_a_dot() -> None:
    chart = trend_chart("NE", DAYS * 1, [Series("final", (0.9, 0.8, None, 0.7, None))])
    assert chart is not None
    assert chart.series[0].path.count("M") == 2
    assert [point.visible for point in chart.series[0].points] == [True, True, True]


def test_a_chart_without_any_value_is_not_drawn() -> None:
    assert trend_chart("NE", DAYS, [Series("final", (None, float("nan"), None, None, None))]) is None


def test_all_marks_lie_within_the_plot() -> None:
    events = [Event(DAYS[0], "trained"), Event(DAYS[-1], "blocked")]
    chart = trend_chart("CTR", DAYS, [Series("seen", (0.1, 0.2, 0.3, 0.2, 0.1))], limits=(0.5,), events=events)
    assert chart is not None
    heights = [point.y for point in chart.series[0].points] + [limit.at for limit in chart.limits]
    assert all(FRAME.top <= height <= FRAME.bottom for height in heights)
    assert all(FRAME.left <= event.x <= FRAME.right for event in chart.events)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_a_single_night_and_a_flat_line_can_be_drawn(value: float) -> None:
    assert trend_chart("x", DAYS[:1], [Series("a", (value,))]) is not None
    assert trend_chart("x", DAYS, [Series("a", (value,) * 5)]) is not None


@pytest.mark.parametrize(
    ("low", "high", "steps"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0.86, 0.89, [0.86, 0.87, 0.88, 0.89]), (-4, 5, [-4, -2, 0, 2, 4])],
)
def test_axis_steps_are_round_numbers(low: float, high: float, steps: list[float]) -> None:
    assert nice_steps(low, high) == pytest.approx(steps)


@pytest.mark.parametrize(
    ("value", "step", "percent", "text"),
    [(0.03, 0.005, True, "3.0%"), (0.3, 0.1, True, "30%"), (0.875, 0.005, False, "0.875"), (2.0, 1.0, False, "2")],
)
def test_tick_texts_have_the_digits_their_step_needs(value: float, step: float, percent: bool, text: str) -> None:
    assert spelled(value, step, percent) == text


def test_a_long_category_is_cut_in_the_plot_and_whole_on_hover() -> None:
    name = "a category with a very long name"
    bars = Distribution((name,), (1.0,), (1.0,))
    chart = distribution_chart(ColumnDrift("c", "categorical", 0.0, 0.2, False, 0, 0, 0, "", bars))
    assert chart is not None
    assert len(chart.bars[0].label) == 18
    assert chart.bars[0].text == f"{name}: 100.0% now, 100.0% in the reference"
