from __future__ import annotations

from datetime import timedelta

import pytest
from landing_files import FIRST, impression, land

from conf.dataset import known_datasets, load_dataset
from conf.errors import NotReady
from features.histories import history_feature_names
from jobs.feature_catalog import declared, measured
from jobs.night import run_step

SECOND = FIRST + timedelta(days=1)


@pytest.fixture
def scored(tiny):
    """One night scored two pairs for the next day: of a user and ad that it saw, and of two that it did not."""
    land(
        tiny.data,
        FIRST,
        impressions=[impression("i1", FIRST), impression("i2", FIRST)],
        clicks=[("i1", f"{FIRST} 13:00:00")],
        campaigns={"a1": "c1"},
        candidates=[("u1", "a1", "top"), ("u2", "a2", "side")],
    )
    for step in ("ingest", "label", "features", "score"):
        run_step(tiny, step, FIRST)
    return tiny


@pytest.mark.parametrize("name", known_datasets())
def test_every_feature_of_a_description_is_declared_once(name):
    dataset = load_dataset(name)
    names = [feature.name for feature in declared(dataset)]
    expected = [*dataset.user_and_ad, *dataset.feature_categorical, *dataset.feature_numeric]
    assert sorted(names) == sorted([*expected, *history_feature_names(dataset)])


def test_a_feature_is_described_from_its_declaration(tiny):
    found = {feature.name: feature for feature in declared(tiny.dataset)}
    rate = found["ad__ctr_7d"]
    assert rate.description == (
        "Click rate of the ad in the 7 days before, leaning on that of `campaign` by 20 impressions' worth"
    )
    assert (rate.kind, rate.subject, rate.keys, rate.window_days, rate.parents) == (
        "rate",
        "ad",
        ("ad_id",),
        7,
        ("campaign",),
    )
    assert found["user_slot__impressions_1d"].description == "Impressions of the user with the `slot` in the day before"
    assert found["user_slot__impressions_1d"].subject == "combination"
    assert found["campaign_id"].subject == "attribute" and found["slot"].subject == "context"
    assert found["ad__clicks_7d"].in_model is False and rate.in_model is True


def test_the_words_of_a_history_come_first(tiny):
    named = tiny.dataset.histories["user_slot"].model_copy(update={"description": "the user in this slot"})
    dataset = tiny.dataset.model_copy(update={"histories": tiny.dataset.histories | {"user_slot": named}})
    found = {feature.name: feature.description for feature in declared(dataset)}
    assert found["user_slot__clicks_3d"] == "Clicks of the user in this slot in the 3 days before"


def test_features_are_measured_on_the_pairs_scored_last(scored):
    catalog = measured(scored)
    assert (catalog.day, catalog.source, catalog.rows) == (SECOND, "candidates", 2)
    found = {one.feature.name: one for one in catalog.features}
    assert (found["user__ctr_7d"].coverage, found["user__ctr_7d"].missing) == (0.5, 0.0)
    assert (found["user__days_since"].coverage, found["user__days_since"].missing) == (0.5, 0.5)
    assert (found["campaign_id"].coverage, found["campaign_id"].missing) == (0.5, 0.5)
    assert (found["user__ctr_7d"].as_of, found["campaign_id"].as_of) == (SECOND, FIRST)


def test_before_anything_was_scored_features_come_without_figures(tiny):
    catalog = measured(tiny)
    assert catalog.day is None and {one.coverage for one in catalog.features} == {None}


def test_a_day_that_was_not_scored_is_an_error(scored):
    with pytest.raises(NotReady, match=str(FIRST)):
        measured(scored, FIRST)
