from __future__ import annotations

from datetime import date, timedelta

import pytest

from features.histories import ALL, KEY_SEPARATOR, counts_learned, parents, windowed

EXAMPLES = "dt date, arrived date, click_arrived date, user_id string, ad_id string, campaign_id string, slot string"
COUNTS = "known_on date, dt date, history string, key string, impressions long, clicks long"
DAY = date(2026, 1, 10)


def day(ahead: int) -> date:
    return DAY + timedelta(days=ahead)


def learned(table, dataset, night, *examples):
    """(history, key, day shown) to (impressions, clicks), from examples (shown, arrived, click arrived)."""
    rows = [[*example, "u", "a", "c", "top"] for example in examples]
    found = counts_learned(table(EXAMPLES, rows), night, dataset).collect()
    return {(row["history"], row["key"], row["dt"]): (row["impressions"], row["clicks"]) for row in found}


def test_an_impression_without_a_click_never_counts_as_a_click(table, dataset):
    assert learned(table, dataset, day(0), (day(0), day(0), None))[ALL, ALL, day(0)] == (1, 0)


def test_a_click_that_arrives_a_night_later_is_learned_by_that_night_without_its_impression(table, dataset):
    late_click = (day(0), day(0), day(1))
    assert learned(table, dataset, day(0), late_click)[ALL, ALL, day(0)] == (1, 0)
    assert learned(table, dataset, day(1), late_click)[ALL, ALL, day(0)] == (0, 1)


def test_a_click_that_arrived_before_its_impression_is_learned_together_with_it(table, dataset):
    late_impression = (day(0), day(1), day(0))
    assert learned(table, dataset, day(0), late_impression) == {}
    assert learned(table, dataset, day(1), late_impression)[ALL, ALL, day(0)] == (1, 1)


def test_a_night_learns_nothing_from_arrivals_of_other_nights(table, dataset):
    others = ((day(0), day(0), day(0)), (day(2), day(2), None))
    assert learned(table, dataset, day(1), *others) == {}


def test_every_history_counts_an_impression_under_its_own_key(table, dataset):
    found = learned(table, dataset, day(0), (day(0), day(0), day(0)), (day(0), day(0), None))
    keys = {("all", "all"), ("user", "u"), ("campaign", "c"), ("ad", "a"), ("user_slot", f"u{KEY_SEPARATOR}top")}
    assert found == {(*key, day(0)): (2, 1) for key in keys}


def test_a_key_with_a_missing_part_has_no_history(table, dataset):
    rows = [[day(0), day(0), None, "u", "a", None, None]]
    found = counts_learned(table(EXAMPLES, rows), day(0), dataset).collect()
    assert {row["history"] for row in found} == {"all", "user", "ad"}


@pytest.mark.parametrize(
    ("shown_days_ago", "windows"), [(1, (1, 3, 7)), (2, (3, 7)), (3, (3, 7)), (4, (7,)), (7, (7,)), (8, ())]
)
def test_a_window_holds_exactly_its_days(table, shown_days_ago, windows):
    shown = day(-shown_days_ago)
    rows = windowed(table(COUNTS, [[shown, shown, "user", "u", 10, 1]]), DAY, (1, 3, 7)).collect()
    inside = tuple(days for row in rows for days in (1, 3, 7) if row[f"impressions_{days}d"] == 10)
    assert inside == windows
    assert all(row[f"clicks_{days}d"] == (1 if days in windows else 0) for row in rows for days in (1, 3, 7))


def test_what_is_learned_on_the_day_itself_is_not_known_when_it_begins(table):
    counts = table(COUNTS, [[day(-1), day(-1), "user", "u", 5, 0], [DAY, day(-1), "user", "u", 0, 3]])
    row = windowed(counts, DAY, (1, 3, 7)).first()
    assert (row["impressions_1d"], row["clicks_1d"]) == (5, 0)


def test_changes_that_several_nights_learned_of_a_day_add_up(table):
    counts = table(COUNTS, [[day(-2), day(-2), "user", "u", 5, 1], [day(-1), day(-2), "user", "u", 2, 3]])
    row = windowed(counts, DAY, (1, 3, 7)).first()
    assert (row["impressions_3d"], row["clicks_3d"], row["last_day"]) == (7, 4, day(-2))


def test_parents_come_before_their_children_and_end_at_the_root(dataset):
    chain = parents(dataset)
    above = {"user": ("all",), "campaign": ("all",), "ad": ("campaign",), "user_slot": ("user",)}
    assert chain == {"all": ()} | above
    order = list(chain)
    assert all(order.index(parent) < order.index(name) for name in chain for parent in chain[name])


def test_recency_counts_days_not_nights_and_a_click_day_needs_a_click(table):
    counts = [
        [day(-3), day(-3), "user", "u", 5, 2],
        [day(-2), day(-3), "user", "u", 1, 1],
        [day(-2), day(-2), "user", "u", 4, 0],
    ]
    row = windowed(table(COUNTS, counts), DAY, (1, 3, 7)).first()
    assert (row["last_day"], row["last_click_day"], row["active_days"]) == (day(-2), day(-3), 2.0)
