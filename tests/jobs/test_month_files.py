"""Monthly tables: files of a month, whose other rows a write leaves as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pyiceberg.expressions import And, EqualTo

from jobs.landing.landed import ALWAYS
from jobs.store.contents import partition_values
from jobs.store.schemas import specs

FIRST = date(2025, 12, 20)
NIGHTS = tuple(FIRST + timedelta(days=ahead) for ahead in range(45))
DECEMBER, JANUARY, FEBRUARY = date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)


def keep(store, night, step, rows):
    """Put the record of a step in place of an earlier one."""
    row = dict.fromkeys(store.specs["runs"].columns) | {"dt": night, "step": step, "rows": rows}
    store.replace_rows("runs", And(EqualTo("dt", night), EqualTo("step", step)), [row])


def held(store):
    """Night, step and number of rows of each record."""
    return sorted((row["dt"], row["step"], row["rows"]) for row in store.rows("runs"))


def months(store):
    """The months of the files of `runs`, one for each file."""
    table = store.table("runs")
    return sorted(partition_values(table, task.file.partition)[0] for task in table.scan().plan_files())


@pytest.fixture
def nights_apart(tiny):
    """The workspace as code before monthly tables saw it: a file for each value of the partition columns."""
    found = {name: replace(spec, monthly=False) for name, spec in specs(tiny.dataset).items()}
    return replace(tiny.store, specs=found, _seen={})


def test_nights_come_to_one_file_a_month(tiny):
    for night in NIGHTS:
        for step in ("ingest", "label"):
            keep(tiny.store, night, step, 1)
    assert months(tiny.store) == [DECEMBER, JANUARY, FEBRUARY]
    assert held(tiny.store) == [(night, step, 1) for night in NIGHTS for step in ("ingest", "label")]
    assert tiny.store.days("runs") == [*NIGHTS]
    assert tiny.store.days("runs", EqualTo("dt", NIGHTS[3])) == [NIGHTS[3]]


def test_a_write_changes_the_rows_under_its_filter_and_no_others(tiny):
    for night in NIGHTS[:3]:
        keep(tiny.store, night, "ingest", 1)
        keep(tiny.store, night, "label", 1)
    keep(tiny.store, NIGHTS[1], "label", 5)
    assert held(tiny.store) == sorted(
        [(night, "ingest", 1) for night in NIGHTS[:3]]
        + [(NIGHTS[0], "label", 1), (NIGHTS[1], "label", 5), (NIGHTS[2], "label", 1)]
    )
    tiny.store.replace_rows("runs", EqualTo("dt", NIGHTS[1]), [])
    assert tiny.store.days("runs") == [NIGHTS[0], NIGHTS[2]]


def test_a_month_without_rows_has_no_file(tiny):
    keep(tiny.store, NIGHTS[0], "ingest", 1)
    tiny.store.replace_rows("runs", EqualTo("dt", NIGHTS[0]), [])
    assert (held(tiny.store), months(tiny.store)) == ([], [])


def test_what_holds_always_lies_in_a_month_of_its_own(tiny):
    for day in (ALWAYS, NIGHTS[0]):
        row = dict.fromkeys(tiny.store.specs["landings"].columns) | {"dt": day, "source": "ads"}
        tiny.store.replace_rows("landings", EqualTo("dt", day), [row])
    assert tiny.store.days("landings") == [ALWAYS, NIGHTS[0]]
    assert [part.values for part in tiny.contents.partitions("landings")] == [(ALWAYS,), (DECEMBER,)]


def test_a_table_of_files_by_night_is_brought_to_months_with_all_its_rows(tiny, nights_apart):
    for night in NIGHTS:
        keep(nights_apart, night, "ingest", 1)
        keep(nights_apart, night, "label", 2)
    rows, before = held(nights_apart), nights_apart.snapshot("runs")
    assert len(nights_apart.files("runs")) == 2 * len(NIGHTS)

    assert held(tiny.store) == rows
    assert months(tiny.store) == [DECEMBER, JANUARY, FEBRUARY]
    assert tiny.store.arrow("runs", snapshot=before).num_rows == len(rows)
    keep(tiny.store, NIGHTS[0], "label", 7)
    assert held(tiny.store) == [(*row[:2], 7) if row[:2] == (NIGHTS[0], "label") else row for row in rows]
    assert months(tiny.store) == [DECEMBER, JANUARY, FEBRUARY]


def test_an_old_table_that_lacks_columns_is_brought_to_months_too(tiny, nights_apart):
    keep(nights_apart, NIGHTS[0], "ingest", 1)
    with nights_apart.table("runs").update_schema() as change:
        change.delete_column("peak_mb")
    [row] = tiny.store.rows("runs")
    assert (row["rows"], row["peak_mb"]) == (1, None)
    assert months(tiny.store) == [DECEMBER]
