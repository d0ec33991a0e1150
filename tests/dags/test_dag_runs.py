"""Real runs of the DAGs, on a tiny home, with the real command line."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from receivers import webhook

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


@pytest.fixture
def told(home, monkeypatch):
    """What a webhook is told while a test runs."""
    with webhook() as server:
        monkeypatch.setenv("CTR_SET_AIRFLOW__NOTIFY__WEBHOOK", f"http://127.0.0.1:{server.port}/")
        yield server.got


def run_of(dag, **conf):
    """A run of the DAG without its deadline: `DAG.test` stores none, and Airflow 3.3.2 fails as it looks for it."""
    deadline, dag.deadline = dag.deadline, None
    try:
        return dag.test(run_conf=conf)
    finally:
        dag.deadline = deadline


def states(run):
    return {task.task_id: str(task.state) for task in run.get_task_instances()}


def test_a_night_by_hand_runs_every_step_for_its_date_and_tells_nobody_where_nobody_is_needed(
    airflow_database, dags, home, told
):
    from jobs.workspace import open_workspace

    run = run_of(dags["ctr_nightly"], date="2026-01-01")

    assert states(run) == {
        **dict.fromkeys(["check_form", "ingest", "label", "features", "score", "evaluate", "monitor"], "success"),
        "announce_drift": "skipped",
    }
    assert str(run.state) == "success"
    days = {row["dt"] for row in open_workspace().store.rows("predictions")}
    assert days == {date(2026, 1, 2)}
    assert told == []


def test_a_verdict_that_the_settings_name_is_told_with_a_link_to_the_nights_page(
    airflow_database, dags, home, told, monkeypatch
):
    monkeypatch.setenv("CTR_SET_AIRFLOW__NOTIFY__VERDICTS", "[wait]")
    run = run_of(dags["ctr_nightly"], date="2026-01-01")

    ((_, body),) = told
    assert (body["verdict"], body["cause"], body["day"]) == ("wait", "too_few_labels", "2026-01-01")
    assert (home / "reports" / body["link"].partition("/ctr-reports/")[2]).is_file()
    assert (body["dag"], body["run"]) == ("ctr_nightly", run.run_id)


def kept_run(session, run_id):
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    return session.scalar(select(DagRun).where(DagRun.run_id == run_id))


def test_a_runs_note_tells_verdict_and_cause_its_tab_leads_to_the_report_and_a_persons_note_stays(
    airflow_database, airflow_plugins, dags, home
):
    from airflow.utils.session import create_session
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from ctr_runs import run_pages, write_note

    run_id = run_of(dags["ctr_nightly"], date="2026-01-01").run_id

    with create_session() as session:
        run = kept_run(session, run_id)
        write_note(run)
        assert run.note.startswith("2026-01-01: **wait, too few labels**. There is no champion yet")
        run.dag_run_note.content, run.dag_run_note.user_id = "Seen.", "jane"
        write_note(run)
        assert run.note == "Seen."
    app = FastAPI()
    app.mount("/ctr-runs", run_pages([]))
    pages = TestClient(app, follow_redirects=False)
    address = pages.get(f"/ctr-runs/ctr_nightly/{run_id}").headers["location"]
    assert address == "/ctr-reports/simulated/2026-01-01/index.html"
    assert (home / "reports" / address.removeprefix("/ctr-reports/")).is_file()
    assert pages.get("/ctr-runs/ctr_nightly/another").status_code == 404


def test_a_trainings_note_tells_what_became_of_the_challenger(airflow_plugins):
    from ctr_runs import run_words

    trained = {"day": "2026-01-15", "model": "mix", "version": "2", "promoted": False, "waits": False}

    assert run_words({**trained, "reasons": ["NE is worse."]}) == "2026-01-15: **mix v2 not promoted**. NE is worse."
    assert run_words({**trained, "promoted": True}) == "2026-01-15: **mix v2 promoted**"
    assert run_words({**trained, "waits": True}) == "2026-01-15: **mix v2 waits for a person**"


def test_a_feed_that_the_gate_stops_is_told_as_a_blocked_night(airflow_database, dags, home, told):
    landed = home / "landing" / "simulated" / "2026-01-02" / "impressions.csv"
    header = landed.read_text().splitlines()[0]
    landed.write_text("\n".join([header, *["garbage"] * 1000]))

    run = run_of(dags["ctr_nightly"], date="2026-01-02")

    assert states(run)["ingest"] == "failed"
    ((_, body),) = told
    assert (body["verdict"], body["cause"], body["day"]) == ("blocked", "broken_input", "2026-01-02")


def test_training_before_enough_days_have_matured_is_skipped(airflow_database, dags, home):
    run = dags["ctr_train"].test(run_conf={"date": "2026-01-01", "models": ["xgboost"], "window_days": 7})

    later = ("train", "approve", "promotion_arguments", "promote")
    assert states(run) == {"check_training_form": "success", **dict.fromkeys(later, "skipped")}


def test_a_run_with_an_unknown_key_fails_before_any_step_and_is_told(airflow_database, dags, home, told):
    run = run_of(dags["ctr_nightly"], day="2026-01-01")

    assert states(run)["check_form"] == "failed"
    assert states(run)["ingest"] == "upstream_failed"
    ((_, body),) = told
    assert (body["kind"], body["task"]) == ("failure", "check_form")
    assert "Unknown key" in body["text"]
