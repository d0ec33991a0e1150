"""Random small logs against a plain-Python reference: nothing from the future, the same features twice, right sums."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from landing_files import OPEN_GATE
from plain_reference import PARENTS, WINDOWS_DAYS, Log, features_of, histories, labels
from random_logs import NIGHTS, land_log, logs, with_other_future
from table_content import rows_of

from conf.dataset import Dataset
from conf.settings import Settings
from jobs.feature_list import model_columns
from jobs.night import run_step
from jobs.score import candidates_with_features
from jobs.workspace import Home, Workspace

LAST = NIGHTS[-1]
SERVED = [night + timedelta(days=1) for night in NIGHTS]
STEPS = ("ingest", "label", "features", "score")
DESCRIPTION = Path(__file__).parents[1] / "data" / "click_log.yaml"

# Without shrinking: each try runs several nights, and a failure names the rows that differ.
examples = settings(phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
MEMORY = Path("/dev/shm")
"""Where a try's tables lie, if there is such a folder: many small files and commits, gone in seconds."""


def workspace_in(folder: str) -> Workspace:
    content = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8")) | {"windows_days": WINDOWS_DAYS}
    content["histories"]["user"]["recency"] = ["days_since", "days_since_click", "active_days"]
    content["histories"]["user_slot"] = {"keys": ["user_id", "slot"], "parents": ["user", "campaign"], "smoothing": 5}
    dataset = Dataset.model_validate(content)
    data = Path(folder) / "landing"
    data.mkdir()
    return Workspace(Home(Path(folder) / "home"), Settings.model_validate({"feed": OPEN_GATE}), dataset, data)


def run(workspace: Workspace, nights: Iterable[date], steps: Sequence[str] = STEPS) -> None:
    for night in nights:
        for step in steps:
            run_step(workspace, step, night)


def known_when(workspace: Workspace, day: date) -> dict[str, list[tuple]]:
    """Features as of the days up to `day`, and the predictions for them."""
    tables = [f"features_{history}" for history in PARENTS] + ["predictions"]
    return {name: [row for row in rows_of(workspace, name) if row[0] <= day] for name in tables}


def assert_tables_equal_the_reference(workspace: Workspace, log: Log) -> None:
    assert_histories_equal(workspace, log)
    assert_labels_equal(workspace, log)
    assert_training_examples_equal(workspace, log)
    assert_predictions_equal(workspace, log)


def assert_histories_equal(workspace: Workspace, log: Log) -> None:
    rows = {history: workspace.store.rows(f"features_{history}") for history in PARENTS}
    for day in SERVED:
        found = {
            (history, row["key"]): {name: value for name, value in row.items() if name != "key"}
            for history in PARENTS
            for row in rows[history]
            if row["dt"] == day
        }
        expected = {key: past.row() | {"dt": day} for key, past in histories(log, day).items()}
        assert found == expected, f"histories as of {day}"


def assert_labels_equal(workspace: Workspace, log: Log) -> None:
    found = workspace.store.rows("examples")
    for day in {row["dt"] for row in found} | {shown.at.date() for shown in log.shown}:
        said = {row["impression_id"]: (row["clicked"], row["clicked_provisional"]) for row in found if row["dt"] == day}
        assert said == labels(log, day, LAST), f"labels of {day}"
    assert len(found) == len({row["impression_id"] for row in found})


def assert_training_examples_equal(workspace: Workspace, log: Log) -> None:
    shown = {row.name: row for row in log.shown}
    found = workspace.store.rows("training_examples")
    for day in NIGHTS:
        expected = {name: said[0] for name, said in labels(log, day, LAST).items()} if day < LAST else {}
        assert {row["impression_id"]: row["clicked"] for row in found if row["dt"] == day} == expected
    for row in found:
        own = shown[row["impression_id"]]
        expected = features_of(log, own.user, own.ad, own.slot, row["dt"], NIGHTS)
        assert {name: row[name] for name in expected} == pytest.approx(expected), row["impression_id"]


def assert_predictions_equal(workspace: Workspace, log: Log) -> None:
    """Without a champion a prediction is the overall rate as it was known."""
    found = workspace.store.rows("predictions")
    for night, day in zip(NIGHTS, SERVED, strict=True):
        pairs = [(row["user_id"], row["ad_id"]) for row in found if row["dt"] == day]
        assert sorted(pairs) == sorted((user, ad) for user, ad, _ in set(log.candidates[night]))
        overall = features_of(log, "", "", "", day, NIGHTS)[f"all__ctr_{max(WINDOWS_DAYS)}d"]
        assert all(row["p_click"] == pytest.approx(overall) for row in found if row["dt"] == day)


def assert_training_saw_what_scoring_saw(workspace: Workspace, days: Sequence[date]) -> None:
    columns = model_columns(workspace.dataset).all
    pair = ("user_id", "ad_id", "slot")
    trained = workspace.store.rows("training_examples")
    for day in days:
        scored = {
            tuple(row[name] for name in pair): {name: row[name] for name in columns}
            for row in (found.asDict() for found in candidates_with_features(workspace, day).collect())
        }
        for row in (row for row in trained if row["dt"] == day):
            key = tuple(row[name] for name in pair)
            if key in scored:
                assert {name: row[name] for name in columns} == scored[key], (day, key)


@examples
@given(log=logs(), other=logs(), begins=st.sampled_from(NIGHTS[1:]))
def test_tables_equal_the_reference_and_no_later_arrival_changes_what_was_known(engine, log, other, begins):
    """First the log as it is; then, in the same tables, another future from the night `begins` on."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        workspace = workspace_in(folder)
        land_log(workspace.data, log)
        run(workspace, NIGHTS)
        assert_tables_equal_the_reference(workspace, log)
        assert_training_saw_what_scoring_saw(workspace, NIGHTS[1:])
        before = known_when(workspace, begins)

        changed = with_other_future(log, other, begins)
        later = [night for night in NIGHTS if night >= begins]
        for night in later:
            shutil.rmtree(workspace.data / night.isoformat())
        land_log(workspace.data, changed, later)
        run(workspace, later)
        assert_tables_equal_the_reference(workspace, changed)
        run(workspace, [begins - timedelta(days=1)], STEPS[1:])  # its files are what they were
        assert known_when(workspace, begins) == before
