from datetime import timedelta

import numpy as np
import pytest
from simulated_sides import COLUMNS, DAY, explained, rows_of, side_of

from monitoring.carriers import _Compared, contributions
from monitoring.change_split import SCORED, SCORED_CLICKS, split_mean
from monitoring.explanation import YESTERDAY, Comparison, explain_change
from monitoring.usual_change import CALIBRATION, CTR, IMPRESSIONS, MIX, NE, VOLUME, totals
from simulation import World, WorldSettings

LAUNCHED = 99


def launch(rows):
    """One advertiser, not known before, takes 15 % of the impressions."""
    taken = np.random.default_rng(1).random(len(rows["y"])) < 0.15
    return rows | {"advertiser_id": np.where(taken, LAUNCHED, rows["advertiser_id"])}


def outage(rows):
    """Three quarters of the impressions are missing, and the device of all."""
    kept = np.random.default_rng(2).random(len(rows["y"])) < 0.25
    left = {name: values[kept] for name, values in rows.items()}
    return left | {"device": np.full(int(kept.sum()), -1)}


def one_category_changed(rows):
    """On one category people click five times as often."""
    there = rows["category"] == 1
    more = np.random.default_rng(3).random(len(rows["y"])) < np.minimum(5 * rows["p"], 1.0)
    return rows | {"y": np.where(there, more, rows["y"])}


def named(explanation):
    return {(carrier.column, carrier.value) for one in explanation.findings for carrier in one.carriers}


@pytest.mark.parametrize("seed", range(4))
def test_on_a_calm_day_nothing_is_claimed(seed):
    found = explained(seed=seed)
    assert found.findings == ()
    assert found.headline == "Nothing beyond chance."


def test_other_people_are_told_from_other_tastes():
    found = explained("covariate_drift")
    first = found.findings[0]
    assert (first.about, first.word) == ("what is shown to whom", "surely")
    assert {"placement", "device"} <= {carrier.column for carrier in first.carriers}
    assert "the NE" not in {one.about for one in found.findings}


def test_other_tastes_show_in_the_ne_and_not_in_who_is_shown_what():
    found = explained("concept_drift")
    assert [(one.about, one.word) for one in found.findings] == [("the NE", "surely")]


def test_a_change_on_one_category_is_named_with_its_clicks():
    found = explained(change=one_category_changed)
    assert {"the NE", "clicks against predictions"} & {one.about for one in found.findings}
    assert named(found) >= {("category", "1")}
    assert not [column for column, _ in named(found) if column in ("placement", "device", "age_group", "country")]


def test_a_wave_of_launches_is_told_by_the_age_of_the_ads():
    found = explained("new_ads")
    assert [one.about for one in found.findings] == ["what is shown to whom"]
    assert ("ad_new", "1") in named(found)


def test_the_launch_of_one_advertiser_is_named():
    found = explained(change=launch)
    assert [(one.about, one.word) for one in found.findings] == [("what is shown to whom", "surely")]
    carrier = found.findings[0].carriers[0]
    assert (carrier.column, carrier.value) == ("advertiser_id", str(LAUNCHED))
    assert carrier.share > 0.6


def test_an_outage_is_told_as_missing_impressions_of_all_devices():
    found = explained(change=outage)
    assert {one.about: one.word for one in found.findings} == {
        "what is shown to whom": "surely",
        "the number of impressions": "surely",
    }
    assert ("device", "(missing)") in named(found)


def test_too_few_nights_claim_nothing():
    world = World(WorldSettings(impressions_per_day=5_000, users=2_000))
    now, before = side_of([outage(rows_of(world, DAY))]), side_of([rows_of(world, DAY - timedelta(days=1))])
    found = explain_change(DAY, now, [Comparison(YESTERDAY, "2026-02-03", before, {})], "final")
    assert found.findings == ()
    assert "nothing is known of what is usual" in found.notes[0]


@pytest.fixture(scope="module")
def two_days():
    world = World(WorldSettings(impressions_per_day=5_000, users=2_000))
    return side_of([launch(rows_of(world, DAY))]), side_of([rows_of(world, DAY - timedelta(days=1))])


@pytest.mark.parametrize("column", COLUMNS)
def test_contributions_of_all_values_are_the_whole_change(two_days, column):
    now, base = two_days
    here, there = totals(now), totals(base)
    sums = now.columns[column].sum(axis=(0, 1))

    def whole(measure, *, to_promise=False):
        compared = _Compared(measure, now.columns[column], base.columns[column], IMPRESSIONS, 1, to_promise).whole()
        return contributions(compared).whole.sum()

    rate = sums[SCORED_CLICKS] / sums[SCORED]
    entropy = -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)
    assert whole(VOLUME) == pytest.approx(here.impressions - there.impressions)
    assert whole(CTR) == pytest.approx(here.ctr - there.ctr, rel=1e-9)
    assert whole(NE) / entropy == pytest.approx(here.ne - there.ne, rel=1e-9)
    assert whole(CALIBRATION, to_promise=True) == pytest.approx(np.exp(here.calibration) - 1, rel=1e-9)
    assert whole(MIX) >= 0


def test_a_value_shown_more_with_the_same_rate_is_mix_and_one_clicked_more_is_rate():
    shown_more = split_mean(
        np.array([30.0, 70.0]), np.array([3.0, 14.0]), np.array([10.0, 90.0]), np.array([1.0, 18.0])
    )
    assert shown_more.rate == pytest.approx([0.0, 0.0])
    assert shown_more.mix.sum() == pytest.approx(17 / 100 - 19 / 100)
    clicked_more = split_mean(
        np.array([10.0, 90.0]), np.array([5.0, 18.0]), np.array([10.0, 90.0]), np.array([1.0, 18.0])
    )
    assert clicked_more.mix == pytest.approx([0.0, 0.0])
    assert clicked_more.rate == pytest.approx([0.04, 0.0])


def test_a_value_that_was_not_there_before_is_all_mix():
    new = split_mean(np.array([50.0, 50.0]), np.array([20.0, 5.0]), np.array([0.0, 100.0]), np.array([0.0, 10.0]))
    assert new.rate == pytest.approx([0.0, 0.0])
    assert new.whole.sum() == pytest.approx(0.25 - 0.10)
