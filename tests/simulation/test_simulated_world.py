"""The simulated world behind the files: its clicks keep to its probabilities."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from simulation import Scenario, World, WorldSettings
from simulation.clicks import click_logits, usual_tastes

SMALL = WorldSettings(users=1_500, joins_per_day=5, advertisers=12, impressions_per_day=4_000)
BIGGER = replace(SMALL, users=8_000, joins_per_day=20, impressions_per_day=20_000)
FIRST = date(2026, 1, 5)
DAY = FIRST.toordinal()
WINDOW_MS = 24 * 3_600_000


@pytest.fixture(scope="module")
def world() -> World:
    return World(BIGGER)


def caused_clicks(world: World, day: int) -> np.ndarray:
    """1.0 for each impression of the day that was clicked within the window."""
    shown_at, log = world.impressions(day).shown_at, world.clicks(day)
    in_window = log.clicked_at - shown_at[log.impression] <= WINDOW_MS
    labels = np.zeros(len(shown_at))
    labels[log.impression[in_window]] = 1.0
    return labels


@pytest.mark.parametrize("name", ["calm", "concept_drift"])
def test_clicks_are_as_many_as_the_truth_says(name: str) -> None:
    world = World(BIGGER, Scenario(name, FIRST))
    p_click, labels = world.p_click(DAY), caused_clicks(world, DAY)
    noise = np.sqrt((p_click * (1 - p_click)).sum())
    assert abs(labels.sum() - p_click.sum()) < 4 * noise


def test_the_truth_is_calibrated_from_unlikely_to_likely(world: World) -> None:
    p_click, labels = world.p_click(DAY), caused_clicks(world, DAY)
    for part in np.array_split(np.argsort(p_click), 5):
        noise = np.sqrt((p_click[part] * (1 - p_click[part])).sum())
        assert abs(labels[part].sum() - p_click[part].sum()) < 4 * noise


def test_the_ctr_stays_near_the_base(world: World) -> None:
    rates = [world.p_click(DAY + 40 * step).mean() for step in range(3)]
    assert np.mean(rates) == pytest.approx(BIGGER.base_ctr, rel=0.25)


def test_the_best_possible_model_explains_what_it_should(world: World) -> None:
    p_click = world.p_click(DAY)
    entropy = -(p_click * np.log(p_click) + (1 - p_click) * np.log(1 - p_click)).mean()
    base = p_click.mean()
    normalised = entropy / -(base * np.log(base) + (1 - base) * np.log(1 - base))
    assert 0.78 < normalised < 0.87


def test_a_campaign_seen_more_often_is_clicked_less() -> None:
    world = World(SMALL)
    shown, tastes = world.impressions(DAY), usual_tastes(SMALL.seed)
    fresh = np.zeros(len(shown.shown_at), dtype=np.int64)
    assert (click_logits(SMALL, tastes, shown, fresh + 3) < click_logits(SMALL, tastes, shown, fresh)).all()


def test_click_delays_have_a_short_median_a_heavy_tail_and_few_accidents(world: World) -> None:
    logs = [(world.impressions(day).shown_at, world.clicks(day)) for day in range(DAY, DAY + 8)]
    delays = np.concatenate([log.clicked_at - shown_at[log.impression] for shown_at, log in logs])
    caused = delays[delays <= WINDOW_MS]
    assert np.median(caused) == pytest.approx(40_000, rel=0.15)
    assert (caused > 6 * 3_600_000).mean() == pytest.approx(0.04, abs=0.012)
    assert (delays > WINDOW_MS).mean() == pytest.approx(0.01, abs=0.006)


def test_a_concept_drift_leaves_the_impressions_and_their_ctr_but_not_who_clicks() -> None:
    calm, drifted = World(BIGGER), World(BIGGER, Scenario("concept_drift", FIRST))
    before, after = calm.p_click(DAY), drifted.p_click(DAY)
    assert np.array_equal(calm.impressions(DAY).shown_at, drifted.impressions(DAY).shown_at)
    assert after.mean() == pytest.approx(before.mean(), rel=0.25)
    assert np.corrcoef(before, after)[0, 1] < 0.7
