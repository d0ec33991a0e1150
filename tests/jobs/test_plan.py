from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyiceberg.expressions import EqualTo
from table_content import content, differences

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.catch_up import catch_up
from jobs.ingest import ingest
from jobs.night import nights_between, nights_done
from jobs.plan import TRAIN, View, plan, step_plan
from jobs.registration import forget_training
from jobs.simulate import simulate_days
from jobs.trainings import training_of, trainings
from jobs.workspace import Home, Workspace

FIRST = date(2026, 1, 1)
NIGHTS = nights_between(FIRST, FIRST + timedelta(days=3))
LAST = NIGHTS[-1]


def workspace_in(home: Path, data: Path) -> Workspace:
    return Workspace(Home(home), Settings(), load_dataset("simulated"), data)


def replay(workspace: Workspace, nights) -> dict[date, list[str]]:
    """The steps that ran, by night."""
    return {night: [result.step for result in catch_up(workspace, night)] for night in nights}


def states(workspace: Workspace, start=FIRST, end=LAST) -> list[str]:
    return [night.state for night in plan(workspace, start, end)]


def due(workspace: Workspace, night: date) -> dict[str, tuple[str, ...]]:
    [found] = plan(workspace, night, night)
    return {step.step: step.reasons for step in found.due}


def figures(workspace: Workspace):
    """The tables' content, floats to the digits that do not depend on the order of sums."""
    found = content(workspace)
    return {
        table: sorted(
            (tuple(f"{value:.9g}" if isinstance(value, float) else value for value in row) for row in rows), key=repr
        )
        for table, rows in found.items()
    }


@pytest.fixture(scope="module")
def landing(tmp_path_factory, engine) -> Path:
    """Four days of landing files, with late and repeated rows."""
    place = tmp_path_factory.mktemp("log")
    workspace = workspace_in(place / "home", place / "landing")
    simulate_days(
        workspace,
        start=FIRST,
        days=len(NIGHTS),
        impressions=1500,
        scenario="calm",
        drift_from=None,
        strength=1.0,
        seed=7,
    )
    return place / "landing"


@pytest.fixture(scope="module")
def in_order(tmp_path_factory, landing) -> Workspace:
    """All nights run in order from nothing."""
    workspace = workspace_in(tmp_path_factory.mktemp("in_order"), landing)
    replay(workspace, NIGHTS)
    return workspace


@pytest.fixture
def copy(tmp_path, in_order) -> Workspace:
    """A home of one night, with landing files of its own that may be changed."""
    data = tmp_path / "landing"
    shutil.copytree(in_order.data, data, copy_function=shutil.copy2)
    return workspace_in(tmp_path / "home", data)


def test_nights_that_were_run_in_order_are_done(in_order):
    assert states(in_order) == ["done"] * len(NIGHTS)
    assert replay(in_order, NIGHTS) == {night: [] for night in NIGHTS}


def test_planning_changes_nothing(in_order):
    before = {name: in_order.store.snapshot(name) for name in in_order.store.specs}
    plan(in_order, FIRST, LAST + timedelta(days=2))
    assert {name: in_order.store.snapshot(name) for name in in_order.store.specs} == before


def test_a_night_that_has_not_run_is_missing(in_order):
    tomorrow = LAST + timedelta(days=1)
    [found] = plan(in_order, tomorrow, tomorrow)
    assert (found.state, found.reasons[0]) == ("missing", "no impression file has landed yet")


@pytest.mark.slow
def test_the_past_filled_in_under_the_present_equals_a_replay_in_order(tmp_path, landing, in_order):
    workspace = workspace_in(tmp_path, landing)
    replay(workspace, NIGHTS[2:])
    assert states(workspace) == ["missing", "missing", "stale", "stale"]
    replay(workspace, NIGHTS[:2])
    third = due(workspace, NIGHTS[2])
    assert "label" in third  # attributes, and the nights that make labels final, are there now
    assert "attributes_ads 2026-01-02 is other than what it read" in third["label"]
    replay(workspace, NIGHTS)
    assert states(workspace) == ["done"] * len(NIGHTS)
    assert differences(figures(in_order), figures(workspace)) == {}


@pytest.mark.slow
def test_a_landing_file_that_changed_makes_its_night_stale_and_then_what_follows(copy):
    first, second = NIGHTS[:2]
    replay(copy, [first, second])
    file = copy.data / str(first) / "impressions.csv"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-300]), encoding="utf-8")
    assert due(copy, first)["ingest"] == (f"landing file {first}/impressions.csv has changed since it was taken in",)
    assert [night.state for night in plan(copy, first, second)] == ["stale", "stale"]
    assert any("which will run" in reason for reason in plan(copy, first, second)[1].reasons)
    assert replay(copy, [first, second]) == {
        first: ["ingest", "label", "features", "score", "evaluate", "monitor"],
        second: ["ingest", "label", "features", "score", "evaluate", "monitor"],
    }
    assert [night.state for night in plan(copy, first, second)] == ["done", "done"]


def test_a_file_touched_but_not_changed_runs_its_ingest_alone(copy):
    replay(copy, NIGHTS[:1])
    os.utime(copy.data / str(FIRST) / "clicks.jsonl", (1, 1))
    assert replay(copy, NIGHTS[:1]) == {FIRST: ["ingest"]}


def test_a_file_that_appears_after_its_night_ran_does_not_make_it_stale(copy):
    late = copy.data / str(FIRST) / "users.parquet"
    kept = late.read_bytes()
    late.unlink()
    replay(copy, NIGHTS[:1])
    late.write_bytes(kept)
    assert due(copy, FIRST) == {}


def test_files_cleared_away_after_they_were_taken_in_make_nothing_stale(copy):
    replay(copy, NIGHTS[:1])
    shutil.rmtree(copy.data / str(FIRST))
    assert due(copy, FIRST) == {}


def test_a_step_run_again_by_hand_with_other_content_makes_what_reads_it_stale(copy):
    replay(copy, NIGHTS[:1])
    file = copy.data / str(FIRST) / "clicks.jsonl"
    file.write_text("".join(file.read_text(encoding="utf-8").splitlines(keepends=True)[:-9]), encoding="utf-8")
    ingest(copy, FIRST)
    found = due(copy, FIRST)
    assert set(found) >= {"label", "features", "evaluate"} and "ingest" not in found
    assert "clicks 2026-01-01 is other than what it read" in found["label"]


def test_a_night_that_the_gate_stopped_is_blocked_and_tried_again(copy):
    from conf.errors import FeedBlocked

    file = copy.data / str(FIRST) / "impressions.csv"
    whole = file.read_text(encoding="utf-8")
    header, *rows = whole.splitlines(keepends=True)
    file.write_text(header + "".join("broken," + row for row in rows), encoding="utf-8")
    with pytest.raises(FeedBlocked):
        replay(copy, NIGHTS[:1])
    [found] = plan(copy, FIRST, FIRST)
    assert found.state == "blocked" and found.reasons[0].startswith("the data gate stopped it: ")
    file.write_text(whole, encoding="utf-8")
    assert replay(copy, NIGHTS[:1])[FIRST][0] == "ingest"
    assert states(copy, FIRST, FIRST) == ["done"]


def test_another_description_makes_every_step_stale(in_order):
    fewer = in_order.dataset.model_copy(update={"late_days": 0})
    changed = Workspace(in_order.home, in_order.settings, fewer, in_order.data)
    [found] = plan(changed, FIRST, FIRST)
    assert found.state == "stale"
    assert "the data set's description is another than the one it went by" in found.reasons


def decided(workspace, verdict):
    row = dict.fromkeys(workspace.store.specs["decisions"].columns) | {"dt": FIRST, "verdict": verdict}
    workspace.store.replace_rows("decisions", EqualTo("dt", FIRST), [row])


def trained(workspace, trigger):
    for table, values in (("trainings", {"trigger": trigger}), ("promotions", {"reason": trigger})):
        row = dict.fromkeys(workspace.store.specs[table].columns) | {"dt": FIRST, "version": "1"} | values
        workspace.store.replace_rows(table, EqualTo("dt", FIRST), [row])


def training_state(workspace):
    found = step_plan(View.of(workspace, FIRST, FIRST), TRAIN, FIRST)
    return found.state, found.reasons


def test_a_training_that_was_asked_for_and_did_not_run_is_missing(tiny):
    decided(tiny, "ok")
    assert training_state(tiny) == ("done", ())
    decided(tiny, "retrain")
    assert training_state(tiny) == ("missing", ("the night's decision asked for it",))


def test_a_training_whose_night_asks_for_it_no_longer_is_stale_and_can_be_taken_back(tiny):
    decided(tiny, "ok")
    trained(tiny, "decay: NE rose")
    assert training_state(tiny) == ("stale", ("the night's decision asks for it no longer",))
    forget_training(tiny, FIRST)
    assert (trainings(tiny), tiny.store.rows("promotions")) == ([], [])
    assert training_of(tiny, "1")["withdrawn"], "its version stays registered, so its record stays too"
    assert training_state(tiny) == ("done", ())


@pytest.mark.parametrize("trigger", ["by hand", "weekly schedule"])
def test_a_training_that_its_night_did_not_ask_for_stays(tiny, trigger):
    decided(tiny, "ok")
    trained(tiny, trigger)
    assert training_state(tiny) == ("done", ())


@pytest.mark.slow
def test_a_replay_that_was_killed_goes_on_and_ends_with_equal_tables(tmp_path, landing, in_order):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "jobs.cli", "replay", "--dataset", "simulated", "--data", str(landing)]
    command += ["--home", str(home), "--start", str(FIRST), "--end", str(LAST)]
    running = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL)
    watched = workspace_in(home, landing)
    deadline = time.monotonic() + 120
    while not ((home / "catalog.db").is_file() and len(watched.store.days("daily_counts")) >= 2):
        assert running.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    workspace = workspace_in(home, landing)
    assert len(nights_done(workspace)) < len(NIGHTS)
    ran = replay(workspace, NIGHTS)
    assert FIRST not in [night for night, steps in ran.items() if steps]
    assert states(workspace) == ["done"] * len(NIGHTS)
    assert differences(figures(in_order), figures(workspace)) == {}
