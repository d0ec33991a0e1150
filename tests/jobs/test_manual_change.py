"""Promote and roll back on a small home, with MLflow and the engine."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from landing_files import FIRST, impression, land
from pyiceberg.expressions import EqualTo
from registered_versions import OBJECTION, registered

from conf.dataset import load_dataset
from conf.errors import NotReady, SettingsError, StoreError
from conf.settings import Settings
from jobs.aliases import aliases
from jobs.manual_change import promote, rollback
from jobs.model_cards import has_card
from jobs.model_list import model_list
from jobs.night import run_step, score_unserved
from jobs.plan import plan
from jobs.tracking import client, point_aliases
from jobs.workspace import Home, Workspace

DESCRIPTIONS = Path(__file__).parents[1] / "data"
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


STEPS = ("ingest", "label", "features", "score", "evaluate")


def run_night(workspace: Workspace, night, *further: str) -> None:
    land(
        workspace.data,
        night,
        impressions=[impression(f"{night}-{number}", night) for number in range(4)],
        clicks=[],
        candidates=[("u1", "a1", "top"), ("u2", "a1", "top")],
    )
    for step in (*STEPS, *further):
        run_step(workspace, step, night)


def scored_by(workspace: Workspace) -> dict:
    return {row["dt"]: (row["model"], row["version"]) for row in workspace.store.rows("predictions")}


def in_mlflow(workspace: Workspace) -> dict[str, str]:
    found = client(workspace).get_registered_model(workspace.model_name).aliases
    return {alias: str(version) for alias, version in found.items()}


@pytest.fixture(scope="module")
def empty_mlflow(tmp_path_factory) -> Path:
    """MLflow's tables, empty: making them takes longer than a test."""
    place = Workspace(Home(tmp_path_factory.mktemp("mlflow")), Settings(), load_dataset("simulated"), Path())
    client(place).search_registered_models()
    return place.home.mlflow / "mlflow.db"


@pytest.fixture
def home(tiny, empty_mlflow) -> Workspace:
    """One night, and three versions: champion by the gate, rejected, and waiting for a person."""
    tiny.home.mlflow.mkdir(parents=True)
    shutil.copy(empty_mlflow, tiny.home.mlflow)
    run_night(tiny, FIRST, "monitor")
    registered(tiny, FIRST)
    score_unserved(tiny)
    registered(tiny, FIRST, agrees=False)
    registered(tiny, FIRST, approval="person")
    return tiny


def test_registration_keeps_the_aliases_true_and_a_person_may_have_the_last_word(home):
    assert in_mlflow(home) == aliases(home) == {"champion": "1", "challenger": "3"}
    assert [facts.state for facts in model_list(home)] == ["champion", "rejected", "waiting"]
    registered(home, FIRST, agrees=False)
    assert aliases(home)["challenger"] == "3", "one that waits for a person comes before a rejected one"


def test_a_promotion_scores_what_is_not_served_and_leaves_a_row_with_who_when_and_why(home):
    outcome = promote(home, "3", "it looks better", by="jane")
    assert outcome.rescored == SECOND
    assert scored_by(home) == {SECOND: ("constant", "3")}
    row = next(row for row in home.store.rows("promotions") if row["version"] == "3")
    assert (row["by"], row["reason"], row["action"], row["previous"]) == ("jane", "it looks better", "promote", "1")
    assert (row["dt"], row["served"], row["forced"]) == (FIRST, FIRST, False)
    assert row["at"].utcoffset() == timedelta(0)
    assert in_mlflow(home) == {"champion": "3", "previous": "1"}
    tags = client(home).get_model_version(home.model_name, "3").tags
    assert (tags["promoted_by"], tags["promotion_reason"]) == ("jane", "it looks better")


def test_a_rollback_goes_to_the_previous_champion_and_from_the_first_one_nowhere(home):
    promote(home, "3", "it looks better", by="jane")
    outcome = rollback(home, "it was not", by="joe")
    assert (outcome.version, outcome.rescored) == ("1", SECOND)
    assert scored_by(home) == {SECOND: ("constant", "1")}
    assert in_mlflow(home) == {"champion": "1", "challenger": "2"}
    with pytest.raises(NotReady, match="nothing to roll back to: version 1 is the only champion"):
        rollback(home, "again", by="joe")


def test_days_that_have_been_served_stay_as_they_were_and_are_not_stale(home):
    run_night(home, SECOND)
    promote(home, "3", "as of the first night", by="jane", as_of=FIRST)
    assert scored_by(home) == {SECOND: ("constant", "1"), THIRD: ("constant", "3")}
    due = {step.step for night in plan(home, FIRST, SECOND) for step in night.due}
    assert due == {"monitor"}, "which has not run for the second night"


def test_a_version_that_the_gate_rejected_can_be_forced_and_the_record_says_so(home):
    assert promote(home, "2", "all the same", by="jane", force=True).change.forced
    assert next(row for row in home.store.rows("promotions") if row["version"] == "2")["forced"]
    assert "promoted by jane against the gate" in model_list(home)[1].told


def test_what_cannot_be_is_refused_and_nothing_changes(home, monkeypatch):
    refused = [
        ("7", {}, SettingsError, "no version 7"),
        ("2", {}, SettingsError, r"did not pass the promotion gate: NE is 0\.9200"),
        ("3", {"as_of": SECOND}, SettingsError, f"{SECOND}: that night has not landed"),
        ("3", {"as_of": FIRST - timedelta(days=1)}, SettingsError, f"changed as of {FIRST}, after that"),
    ]
    for version, options, kind, told in refused:
        with pytest.raises(kind, match=told):
            promote(home, version, "why not", by="jane", **options)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracking = home.settings.tracking.model_copy(update={"uri": "http://127.0.0.1:9"})
    cut_off = replace(home, settings=home.settings.model_copy(update={"tracking": tracking}))
    with pytest.raises(StoreError, match=r"MLflow at http://127\.0\.0\.1:9 .* Nothing was changed"):
        promote(cut_off, "3", "why not", by="jane")
    assert (len(home.store.rows("promotions")), in_mlflow(home)["champion"]) == (1, "1")


def test_a_change_that_was_interrupted_is_brought_to_its_end_by_doing_it_again(home):
    promote(home, "3", "it looks better", by="jane")
    point_aliases(home, {"champion": "1"})  # as if the process had ended before MLflow was told
    outcome = promote(home, "3", "it looks better", by="jane")
    assert (outcome.change, outcome.rescored) == (None, None)
    assert in_mlflow(home) == {"champion": "3", "previous": "1"}
    assert len(home.store.rows("promotions")) == 2


def test_a_training_by_hand_for_a_night_before_the_latest_change_replaces_nobody(home):
    version = registered(home, FIRST - timedelta(days=1))
    assert not home.store.rows("promotions", EqualTo("version", version))
    assert (aliases(home)["champion"], model_list(home)[-1].state) == ("1", "passed")


def test_a_version_carries_what_it_was_made_of_and_its_card(home):
    version = client(home).get_model_version(home.model_name, "3")
    promote(home, "3", "it looks better", by="jane")
    wanted = {"gate": "passed", "approval": "person", "sampling_rate": "1", "code_version": "0.1.0"}
    assert wanted.items() <= version.tags.items()
    assert version.tags["train_days"] == str(FIRST)
    files = {file.path for file in client(home).list_artifacts(version.run_id)}
    assert {"record.json", "model_card.html"} <= files
    promoted = client(home).get_model_version(home.model_name, "3")
    assert promoted.tags["model_card"].endswith("/models/3.html")
    assert has_card(home, "3") and has_card(home, "2")
    index = (home.reports / "index.html").read_text(encoding="utf-8")
    night = (home.reports / str(FIRST) / "index.html").read_text(encoding="utf-8")
    assert 'href="models/3.html"' in index and 'href="../models/3.html"' in night


def test_the_command_line_lists_promotes_and_rolls_back(home, monkeypatch, capsys):
    from jobs.cli import main

    def ctr(*arguments):
        monkeypatch.setattr(sys, "argv", ["ctr", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out.splitlines()

    description = str(DESCRIPTIONS / "click_log.yaml")
    for name, value in {"CTR_HOME": home.home.path, "CTR_DATASET": description, "CTR_DATA": home.data}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("CTR_ENV", "")
    code, lines = ctr("models", "--json")
    found = {facts["version"]: facts for facts in json.loads(lines[-1])}
    assert code == 0
    assert (found["2"]["state"], found["2"]["objections"]) == ("rejected", [OBJECTION])
    assert (found["3"]["aliases"], found["3"]["ne"], found["3"]["rows"]["holdout"]) == (["challenger"], 0.91, 4)
    assert ctr("promote", "v3", "--reason", " ")[0] == 2
    code, lines = ctr("promote", "v3", "--reason", "it looks better", "--by", "jane", "--json")
    assert (code, json.loads(lines[-1])["by"]) == (0, "jane")
    code, lines = ctr("rollback", "--reason", "it was not")
    assert (code, lines[0]) == (0, f"constant v1 is champion as of {FIRST}, in place of version 3.")
    assert ctr("rollback", "--reason", "again")[0] == 6
    assert ctr("promote", "2", "--reason", "all the same")[0] == 2
