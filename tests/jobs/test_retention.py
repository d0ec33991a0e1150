"""Retention: which days go, and what never does."""

from __future__ import annotations

import os
import time
from datetime import date, timedelta

import pytest
from pyiceberg.expressions import AlwaysTrue, EqualTo

from conf.errors import NotReady
from jobs.landing.landed import ALWAYS
from jobs.lost_days import first_kept, lost
from jobs.maintain import maintain
from jobs.night import run_step
from jobs.plan import View, step_plan
from jobs.store.kept_days import kept_since, removed_days
from jobs.training_data import days_that_matured, mature_days
from jobs.upkeep.leftovers import forget_digests, remove_old_logs
from jobs.upkeep.retention import expire_days, first_needed

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=ahead) for ahead in range(45)]
LAST = DAYS[-1]
DAY = 86_400.0


def fill(workspace, table, days, **values):
    spec = workspace.store.specs[table]
    rows = [dict.fromkeys(spec.columns) | values | {spec.partition[0]: day} for day in days]
    workspace.store.replace_rows(table, AlwaysTrue(), rows)


@pytest.fixture
def filled(make_workspace):
    """Six weeks of a row a day in some tables of each kind; models would need ten days, features seven."""

    def make(**settings):
        training = {"window_days": 8, "min_train_days": 2}
        workspace = make_workspace("click_log", training=training, maintenance=settings)
        for table in ("impressions", "clicks", "training_examples", "features_all", "daily_counts", "predictions"):
            fill(workspace, table, DAYS)
        fill(workspace, "landings", DAYS, source="impressions", files="[]")
        fill(workspace, "attributes_ads", [ALWAYS, DAYS[0], DAYS[20], DAYS[35]])
        fill(workspace, "quality", DAYS, state="final", slice="all")
        return workspace

    return make


def days(workspace, table):
    return workspace.store.days(table)


def test_everything_stays_unless_a_number_of_days_is_set(filled):
    workspace = filled()
    expire_days(workspace)
    assert days(workspace, "impressions") == days(workspace, "daily_counts") == DAYS


def test_old_days_of_raw_and_derived_tables_go_and_records_stay(filled):
    workspace = filled(keep_days=30)
    done = expire_days(workspace)
    cut = LAST - timedelta(days=30)
    assert done["days_kept_since"] == cut.isoformat() and done["files_of_old_days"] > 0
    for table in ("impressions", "clicks", "training_examples", "features_all", "daily_counts", "predictions"):
        assert days(workspace, table) == [day for day in DAYS if day >= cut]
    assert days(workspace, "landings") == days(workspace, "quality") == DAYS
    assert expire_days(workspace)["files_of_old_days"] == 0


def test_attributes_that_held_on_the_first_day_kept_stay_and_so_do_those_without_a_date(filled):
    workspace = filled(keep_days=22)
    expire_days(workspace)
    assert days(workspace, "attributes_ads") == [ALWAYS, DAYS[20], DAYS[35]]


def test_what_windows_trainings_and_late_rows_reach_stays_however_few_days_are_to_be_kept(filled):
    workspace = filled(keep_days=1)
    needed = first_needed(workspace, LAST)
    # 1 day of attribution and 2 for late rows, before them the longest window of 7, with room for late rows once more.
    assert needed <= LAST - timedelta(days=1 + 2 + 7)
    expire_days(workspace)
    assert days(workspace, "daily_counts")[0] == needed
    assert len(mature_days(workspace, LAST)) >= 8 + 1 + 1 + 1
    for step in ("ingest", "label", "features", "score", "evaluate", "monitor", "train"):
        assert lost(workspace, step, LAST + timedelta(days=1), first_kept(workspace)) == ""


def test_days_are_counted_from_the_latest_night_that_landed(filled):
    workspace = filled(keep_days=30)
    fill(workspace, "predictions", [*DAYS, LAST + timedelta(days=1)])
    expire_days(workspace)
    assert kept_since(workspace.store, "predictions") == LAST - timedelta(days=30)


def test_what_a_model_was_trained_on_can_still_be_read(filled):
    workspace = filled(keep_days=15)
    snapshot = workspace.store.snapshot("training_examples")
    training = {"snapshot": snapshot, "version": "1"}
    fill(workspace, "trainings", [DAYS[5]], **training)
    for week in range(3):
        maintain(workspace, time.time() + (60 + 7 * week) * DAY)
    assert len(days(workspace, "training_examples")) < 30
    assert workspace.store.arrow("training_examples", snapshot=snapshot).num_rows == len(DAYS)


def test_the_days_that_had_matured_still_count_as_such(filled):
    workspace = filled(keep_days=20)
    before = days_that_matured(workspace, LAST)
    expire_days(workspace)
    assert days_that_matured(workspace, LAST) == before and len(removed_days(workspace.store, "training_examples")) > 10
    assert len(mature_days(workspace, LAST)) < len(before)


def test_a_night_that_reads_removed_days_is_left_as_it_is_and_cannot_run_again(filled):
    workspace, old = filled(keep_days=15), DAYS[25]
    runs = {"step": "features", "detail": '{"inputs": {}}'}
    workspace.store.replace_rows(
        "runs", EqualTo("dt", old), [dict.fromkeys(workspace.store.specs["runs"].columns) | {"dt": old} | runs]
    )
    view = View.of(workspace, old, old)
    assert step_plan(view, "features", old).state == "stale"
    expire_days(workspace)
    view.look()
    assert step_plan(view, "features", old).state == "done", "it can no longer be compared"
    never_run = step_plan(view, "label", old)
    assert never_run.state == "blocked" and "was removed" in never_run.reasons[0]
    with pytest.raises(NotReady, match=r"cannot run again: it reads .* \(maintenance\.keep_days\)"):
        run_step(workspace, "features", old)


def test_logs_and_error_reports_go_after_a_time(tiny):
    now = time.time()
    for place, age in (("errors/a.txt", 100), ("errors/b.txt", 10), ("airflow/service_logs/x/c.log", 100)):
        file = tiny.home.path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        os.utime(file, (now - age * DAY,) * 2)
    (tiny.home.path / "airflow" / "passwords.json").write_text("{}")
    assert remove_old_logs(tiny, now) == 2
    left = sorted(file.name for file in tiny.home.path.rglob("*") if file.is_file())
    assert left == ["b.txt", "passwords.json"]


def test_digests_of_files_that_are_gone_are_forgotten_and_the_others_kept(tiny):
    columns = dict.fromkeys(tiny.store.specs["clicks"].columns)
    for name in ("a", "b", "c"):
        tiny.store.replace_rows("clicks", EqualTo("dt", FIRST), [columns | {"dt": FIRST, "impression_id": name}])
        measured = tiny.contents.of("clicks", tiny.contents.partitions("clicks"))
    assert forget_digests(tiny) == 2
    tiny.contents.engine = None  # nothing has to be read again
    assert tiny.contents.of("clicks", tiny.contents.partitions("clicks")) == measured
