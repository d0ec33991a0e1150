from __future__ import annotations

from datetime import date, timedelta

import pytest

from features.labels import with_first_click, with_inline_click, with_label

SHOWN = "impression_id string, event_time timestamp, dt date, arrived date"
CLICKS = "impression_id string, click_time timestamp, dt date"
WINDOW = timedelta(hours=6)
FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)


@pytest.fixture
def shown(table, utc):
    return table(SHOWN, [["i", utc("2026-01-01T12:00:00"), FIRST, FIRST]])


def click_arrivals(shown, clicks):
    return {row["impression_id"]: row["click_arrived"] for row in with_first_click(shown, clicks, WINDOW).collect()}


@pytest.mark.parametrize(
    ("clicked_at", "counts"),
    [
        ("2026-01-01T11:59:59.999999", False),
        ("2026-01-01T12:00:00", True),
        ("2026-01-01T18:00:00", True),
        ("2026-01-01T18:00:00.000001", False),
    ],
    ids=["before its impression", "at the same moment", "in the window's last microsecond", "after the window"],
)
def test_a_click_counts_from_its_impression_to_the_end_of_the_window(table, utc, shown, clicked_at, counts):
    clicks = table(CLICKS, [["i", utc(clicked_at), FIRST]])
    assert click_arrivals(shown, clicks) == {"i": FIRST if counts else None}


def test_several_clicks_on_an_impression_make_one_row_and_the_first_arrival_holds(table, utc, shown):
    moments = [("2026-01-01T13:00:00", THIRD), ("2026-01-01T14:00:00", SECOND), ("2026-01-01T11:00:00", FIRST)]
    clicks = table(CLICKS, [["i", utc(moment), arrived] for moment, arrived in moments])
    assert click_arrivals(shown, clicks) == {"i": SECOND}


def test_a_click_on_an_unknown_impression_adds_no_row(table, utc, shown):
    clicks = table(CLICKS, [["elsewhere", utc("2026-01-01T13:00:00"), FIRST]])
    assert click_arrivals(shown, clicks) == {"i": None}


def labels(table, dataset, *, shown_on, arrived, click_arrived, final=True):
    schema = "impression_id string, dt date, arrived date, click_arrived date"
    row = table(schema, [["i", shown_on, arrived, click_arrived]])
    return with_label(row, dataset, final=final, known_on=SECOND).first()


def test_an_impression_without_a_click_is_no_click(table, dataset):
    row = labels(table, dataset, shown_on=FIRST, arrived=FIRST, click_arrived=None)
    assert (row["clicked"], row["clicked_provisional"]) == (0, 0)


def test_a_click_that_arrived_on_the_day_shown_counts_provisionally_and_finally(table, dataset):
    row = labels(table, dataset, shown_on=FIRST, arrived=FIRST, click_arrived=FIRST)
    assert (row["clicked"], row["clicked_provisional"]) == (1, 1)


def test_a_click_that_arrived_the_day_after_counts_finally_alone(table, dataset):
    row = labels(table, dataset, shown_on=FIRST, arrived=FIRST, click_arrived=SECOND)
    assert (row["clicked"], row["clicked_provisional"]) == (1, 0)


def test_the_click_of_an_impression_that_arrived_late_was_not_known_on_its_day(table, dataset):
    row = labels(table, dataset, shown_on=FIRST, arrived=SECOND, click_arrived=FIRST)
    assert (row["clicked"], row["clicked_provisional"]) == (1, 0)


def test_a_late_click_tells_since_when_its_label_is_known(table, dataset):
    row = labels(table, dataset, shown_on=FIRST, arrived=FIRST, click_arrived=THIRD, final=False)
    assert (row["known_on"], row["final"]) == (THIRD, False)


def test_an_inline_click_arrives_with_its_impression(table):
    rows = table("impression_id string, arrived date, clicked int", [["yes", FIRST, 1], ["no", FIRST, 0]])
    found = {row["impression_id"]: row["click_arrived"] for row in with_inline_click(rows).collect()}
    assert found == {"yes": FIRST, "no": None}
