"""Real runs of the DAGs, on a tiny home, with the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

PROJECT_FOLDER = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two simulated days, named by the environment as the steps expect."""
    folder = tmp_path_factory.mktemp("home")
    saved = dict(os.environ)
    os.environ["CTR_HOME"] = str(folder)
    for name in ("CTR_DATASET", "CTR_DATA", "CTR_ENV"):
        os.environ.pop(name, None)
    command = [sys.executable, "-m", "jobs.cli", "simulate", "--start", "2026-01-01", "--days", "2"]
    subprocess.run([*command, "--impressions", "1000"], check=True, capture_output=True, cwd=PROJECT_FOLDER)
    yield folder
    os.environ.clear()
    os.environ.update(saved)


def states(run):
    return {task.task_id: str(task.state) for task in run.get_task_instances()}


def test_a_night_by_hand_runs_every_step_for_its_date(airflow_database, dags, home):
    from jobs.workspace import open_workspace

    run = dags["ctr_nightly"].test(run_conf={"date": "2026-01-01"})

    assert states(run) == {
        **dict.fromkeys(["check_form", "ingest", "label", "features", "score", "evaluate", "monitor"], "success"),
        "announce_drift": "skipped",
    }
    assert str(run.state) == "success"
    days = {row["dt"] for row in open_workspace().store.rows("predictions")}
    assert days == {date(2026, 1, 2)}


def test_training_before_enough_days_have_matured_is_skipped(airflow_database, dags, home):
    run = dags["ctr_train"].test(run_conf={"date": "2026-01-01", "models": ["xgboost"], "window_days": 7})

    later = ("train", "approve", "promotion_arguments", "promote")
    assert states(run) == {"check_training_form": "success", **dict.fromkeys(later, "skipped")}


def test_a_run_with_an_unknown_key_fails_before_any_step(airflow_database, dags, home):
    run = dags["ctr_nightly"].test(run_conf={"day": "2026-01-01"})

    assert states(run)["check_form"] == "failed"
    assert states(run)["ingest"] == "upstream_failed"
