"""Whole nights, training included, on days that no calm feed has."""

from __future__ import annotations

import json
import math

import pytest
from extreme_days import DESCRIPTION, land_day
from fuzz_tally import LONG, NAMED, TABLE, count
from landing_files import OPEN_GATE

from conf.dataset import Dataset
from conf.errors import CtrError
from conf.settings import Settings
from jobs.night import STEPS, run_step, run_training, training_request
from jobs.process_memory import peak_mb
from jobs.status import balance, status
from jobs.workspace import Home, Workspace

MODEL = {"boosted": {"max_rounds": 10, "min_child_weight": 1.0}, "hashing": {"bits": 10}}
SETTINGS = {
    "feed": {**OPEN_GATE, "max_volume_ratio": 1e9, "max_null_share": 1.0},
    "training": {"threads": 1, "min_train_days": 2, "model": MODEL},
}
IN_LONG_RUNS = pytest.mark.skipif(not LONG, reason="takes minutes; `make test-fuzz` runs it")
TABLES_ALONE = ("ingest", "label", "features")
WEEK = ("calm", "all clicked", "none clicked", "calm", "huge", "empty")


@pytest.fixture
def workspace(tmp_path, engine) -> Workspace:
    home = Home(tmp_path / "home")
    return Workspace(home, Settings.model_validate(SETTINGS), Dataset.model_validate(DESCRIPTION), tmp_path / "landing")


def night(workspace: Workspace, day, steps=tuple(STEPS)) -> None:
    for step in steps:
        run_step(workspace, step, day)


def assert_sound(workspace: Workspace) -> None:
    """Every probability is one, no metric is infinite, and the balance closes."""
    for row in workspace.store.rows("predictions"):
        assert 0 < row["p_click"] < 1, row
    for row in workspace.store.rows("quality"):
        figures = [value for value in row.values() if isinstance(value, float)]
        assert all(not math.isinf(value) for value in figures), row
    assert all(row["balanced"] for row in balance(workspace))
    json.dumps(status(workspace), allow_nan=False, default=str)


@IN_LONG_RUNS
def test_days_without_a_click_without_an_impression_or_with_nothing_else_end_in_words(workspace):
    landed = [land_day(workspace.data, ahead, 300, what) for ahead, what in enumerate(WEEK)]
    for day, what in zip(landed, WEEK, strict=True):
        try:
            night(workspace, day, STEPS if LONG or what in ("huge", "empty") else TABLES_ALONE)
            count("whole night", TABLE)
        except CtrError as error:
            assert what == "empty", error
            count("whole night", NAMED)
    run_training(workspace, training_request(workspace, landed[-2], "by hand", models=("mix",)), again=True)
    night(workspace, landed[-2], ("score", "evaluate", "monitor"))
    assert_sound(workspace)
    assert len(workspace.store.rows("trainings")) == 1


@IN_LONG_RUNS
@pytest.mark.parametrize("what", ["all clicked", "none clicked"])
def test_a_training_on_days_of_one_kind_of_label_ends_in_a_model_or_in_words(workspace, what):
    landed = [land_day(workspace.data, ahead, 120, what) for ahead in range(6)]
    for day in landed:
        night(workspace, day, TABLES_ALONE)
    try:
        run_training(workspace, training_request(workspace, landed[-1], "by hand"))
        count("training on one kind of label", TABLE)
    except CtrError as error:
        assert "label" in str(error)
        count("training on one kind of label", NAMED)


@IN_LONG_RUNS
def test_a_million_values_in_a_column_of_few_leave_memory_and_pages_small(workspace):
    days = [(300, "calm")] * 4 + [(1_000_000, "distinct"), (300, "calm")]
    landed = [land_day(workspace.data, ahead, rows, what) for ahead, (rows, what) in enumerate(days)]
    for day in landed:
        night(workspace, day)
    run_training(workspace, training_request(workspace, landed[-1], "by hand"))
    assert_sound(workspace)
    pages = [page for page in workspace.reports.rglob("*.html") if "evidently" not in page.name]
    assert pages and max(page.stat().st_size for page in pages) < 1_000_000
    assert peak_mb() < 6_000
    count("night of distinct values", TABLE)
