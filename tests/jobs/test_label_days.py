"""A night writes the days that are still open, and the closed ones that something late touched; no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from landing_files import FIRST, impression, land
from pyiceberg.expressions import EqualTo
from table_content import rows_of

from jobs.label_days import days_to_label
from jobs.night import run_step

NIGHTS = [FIRST + timedelta(days=ahead) for ahead in range(5)]
SECOND, THIRD, FOURTH, FIFTH = NIGHTS[1:]
STEPS = ("ingest", "label", "features")


def run(workspace, *nights, steps=STEPS):
    for night in nights:
        for step in steps:
            run_step(workspace, step, night)


def files(workspace, table, day):
    return workspace.store.files(table, EqualTo("dt", day))


@pytest.fixture
def three_nights(tiny):
    """Three nights of one impression each, without anything late; a window of six hours, two late days."""
    for number, night in enumerate(NIGHTS, start=1):
        land(tiny.data, night, impressions=[impression(f"i{number}", night, "23:00:00")], clicks=[])
    run(tiny, FIRST, SECOND, THIRD)
    return tiny


def test_a_closed_day_that_nothing_touched_keeps_its_files(three_nights):
    before = {table: files(three_nights, table, FIRST) for table in ("examples", "training_examples")}
    assert all(len(found) == 1 for found in before.values())
    run(three_nights, THIRD, FOURTH)
    assert {table: files(three_nights, table, FIRST) for table in before} == before
    assert days_to_label(three_nights, FOURTH) == [THIRD, FOURTH]


def test_a_late_impression_touches_its_closed_day_alone(three_nights):
    untouched = files(three_nights, "examples", SECOND)
    land(three_nights.data, FOURTH, impressions=[impression("late", SECOND), impression("i4", FOURTH)])
    run(three_nights, FOURTH)
    assert days_to_label(three_nights, FOURTH) == [SECOND, THIRD, FOURTH]
    assert files(three_nights, "examples", SECOND) != untouched
    assert sorted(row["impression_id"] for row in three_nights.store.rows("training_examples")) == [
        "i1",
        "i2",
        "i3",
        "late",
    ]


@pytest.mark.parametrize(
    ("at", "touched"),
    [
        (f"{SECOND} 04:59:59", True),
        (f"{SECOND} 05:00:01", False),  # a second after the window of six hours
        (f"{FIRST} 22:59:59", False),  # before the impression
    ],
)
def test_a_late_click_touches_a_closed_day_if_it_counts(three_nights, at, touched):
    land(three_nights.data, THIRD, clicks=[("i1", at)])
    run(three_nights, THIRD)
    assert (FIRST in days_to_label(three_nights, THIRD)) is touched
    [example] = [row for row in three_nights.store.rows("examples") if row["impression_id"] == "i1"]
    [trained] = [row for row in three_nights.store.rows("training_examples") if row["impression_id"] == "i1"]
    assert example["clicked"] == trained["clicked"] == int(touched)
    counted = [row for row in three_nights.store.rows("daily_counts") if row["dt"] == FIRST and row["history"] == "all"]
    assert sum(row["clicks"] for row in counted) == int(touched)


def test_a_night_run_again_with_less_takes_back_what_it_had_brought_to_closed_days(three_nights):
    plain = {table: rows_of(three_nights, table) for table in ("examples", "training_examples", "daily_counts")}
    land(three_nights.data, THIRD, impressions=[impression("late", FIRST), impression("i3", THIRD, "23:00:00")])
    land(three_nights.data, THIRD, clicks=[("i1", f"{FIRST} 23:00:01")])
    run(three_nights, THIRD)
    assert {table: rows_of(three_nights, table) for table in plain} != plain
    land(three_nights.data, THIRD, impressions=[impression("i3", THIRD, "23:00:00")], clicks=[])
    run(three_nights, THIRD)
    assert {table: rows_of(three_nights, table) for table in plain} == plain


def test_a_day_closes_when_the_last_night_of_its_window_has_run(three_nights):
    assert days_to_label(three_nights, SECOND) == [FIRST, SECOND]
    assert days_to_label(three_nights, THIRD) == [SECOND, THIRD]


def test_each_table_of_a_step_is_written_in_one_commit(three_nights):
    tables = ("examples", "training_examples", "daily_counts", "quality")
    before = {table: len(three_nights.store.table(table).history()) for table in tables}
    land(three_nights.data, FOURTH, impressions=[impression("late", SECOND), impression("i4", FOURTH)])
    run(three_nights, FOURTH, steps=(*STEPS, "score", "evaluate"))
    assert {table: len(three_nights.store.table(table).history()) - before[table] for table in tables} == {
        "examples": 1,
        "training_examples": 1,
        "daily_counts": 1,
        "quality": 0,  # nothing had been scored
    }
