from __future__ import annotations

from datetime import date

import pytest

from features.histories import KEY_SEPARATOR, history_feature_names
from features.point_in_time import with_histories

HISTORY = (
    "key string, impressions_1d double, clicks_1d double, impressions_3d double, clicks_3d double, "
    "impressions_7d double, clicks_7d double, last_day date"
)
PAIRS = "dt date, user_id string, ad_id string, campaign_id string, slot string"
DAY = date(2026, 1, 10)
YESTERDAY = date(2026, 1, 9)
KNOWN = {
    "all": [["all", 100.0, 10.0, 200.0, 20.0, 480.0, 49.0, YESTERDAY]],
    "user": [["u", 4.0, 1.0, 8.0, 2.0, 20.0, 6.0, YESTERDAY]],
    "campaign": [["c", 10.0, 0.0, 20.0, 0.0, 60.0, 12.0, date(2026, 1, 8)]],
    "ad": [],
    "user_slot": [[f"u{KEY_SEPARATOR}top", 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, YESTERDAY]],
}
OVERALL = (49 + 20 * 0.05) / (480 + 20)


@pytest.fixture
def features(table, dataset):
    def of(user="u", ad="a", campaign="c", slot="top"):
        pairs = table(PAIRS, [[DAY, user, ad, campaign, slot]])
        rows = with_histories(pairs, lambda name: table(HISTORY, KNOWN[name]), dataset).collect()
        assert len(rows) == 1
        return rows[0]

    return of


def test_the_overall_rate_is_smoothed_towards_the_first_rate(features):
    assert features()["all__ctr_7d"] == pytest.approx(OVERALL)


def test_the_longest_window_leans_on_the_parent_and_shorter_ones_on_the_longest(features):
    row = features()
    longest = (6 + 20 * OVERALL) / (20 + 20)
    assert row["user__ctr_7d"] == pytest.approx(longest)
    assert row["user__ctr_3d"] == pytest.approx((2 + 20 * longest) / (8 + 20))
    assert row["user__ctr_1d"] == pytest.approx((1 + 20 * longest) / (4 + 20))


def test_an_unknown_key_has_zero_counts_no_recency_and_its_parents_rate(features):
    row = features()
    assert (row["ad__impressions_7d"], row["ad__clicks_7d"], row["ad__days_since"]) == (0.0, 0.0, None)
    assert row["ad__ctr_7d"] == pytest.approx(row["campaign__ctr_7d"])
    assert row["ad__ctr_1d"] == pytest.approx(row["campaign__ctr_7d"])


def test_a_key_with_a_missing_part_gets_its_parents_rate_too(features):
    row = features(slot=None)
    assert row["user_slot__impressions_7d"] == 0.0
    assert row["user_slot__ctr_7d"] == pytest.approx(row["user__ctr_7d"])


def test_a_stranger_gets_the_overall_rate(features):
    row = features(user="nobody", ad="new", campaign=None)
    assert row["user__ctr_7d"] == pytest.approx(OVERALL)
    assert row["ad__ctr_7d"] == pytest.approx(OVERALL)


def test_recency_is_days_since_the_key_was_last_shown(features):
    row = features()
    assert (row["user__days_since"], row["campaign__days_since"]) == (1.0, 2.0)


def test_every_history_feature_is_there_and_nothing_else_was_added(features, dataset):
    own = {"dt", "user_id", "ad_id", "campaign_id", "slot"}
    overall_counts = {f"all__{what}_{days}d" for what in ("impressions", "clicks") for days in (1, 3, 7)}
    assert set(features().asDict()) - own - overall_counts == set(history_feature_names(dataset))


def changed(dataset, **histories):
    content = dataset.model_dump()
    for name, changes in histories.items():
        content["histories"][name] |= changes
    return type(dataset).model_validate(content)


def test_the_effects_of_several_parents_add_up_on_the_log_odds(table, dataset):
    added = changed(dataset, user_slot={"parent": None, "parents": ["user", "campaign"], "smoothing": 7.0})
    pairs = table(PAIRS, [[DAY, "u", "a", "c", "unknown slot"]])
    row = with_histories(pairs, lambda name: table(HISTORY, KNOWN[name]), added).first()
    odds = {name: row[f"{name}__ctr_7d"] / (1 - row[f"{name}__ctr_7d"]) for name in ("user", "campaign", "all")}
    together = odds["user"] * odds["campaign"] / odds["all"]
    assert row["user_slot__ctr_7d"] == pytest.approx(together / (1 + together))


def test_a_history_may_trust_the_rate_above_it_in_its_own_measure(table, dataset):
    own = changed(dataset, user={"smoothing": 5.0})
    pairs = table(PAIRS, [[DAY, "u", "a", "c", "top"]])
    row = with_histories(pairs, lambda name: table(HISTORY, KNOWN[name]), own).first()
    assert row["user__ctr_7d"] == pytest.approx((6 + 5 * OVERALL) / (20 + 5))
    assert row["campaign__ctr_7d"] == pytest.approx((12 + 20 * OVERALL) / (60 + 20))


def test_recency_holds_what_the_history_asks_for(table, dataset):
    asking = changed(dataset, user={"recency": ["days_since_click", "active_days"]}, ad={"recency": []})
    known = {name: [[*row, date(2026, 1, 5), 3.0] for row in rows] for name, rows in KNOWN.items()}
    schema = HISTORY + ", last_click_day date, active_days double"
    pairs = table(PAIRS, [[DAY, "u", "a", "c", "top"], [DAY, "nobody", "a", "c", "top"]])
    found = with_histories(pairs, lambda name: table(schema, known[name]), asking).collect()
    rows = {row["user_id"]: row for row in found}
    assert (rows["u"]["user__days_since_click"], rows["u"]["user__active_days"]) == (5.0, 3.0)
    assert (rows["nobody"]["user__days_since_click"], rows["nobody"]["user__active_days"]) == (None, 0.0)
    assert not {"user__days_since", "ad__days_since", "user__last_day", "user__last_click_day"} & set(
        rows["u"].asDict()
    )
