"""Models that serve no more go after a time, from MLflow and from the home; their rows stay, and so do all others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from landing_files import FIRST
from pyiceberg.expressions import AlwaysTrue
from registered_versions import registered

from conf.errors import NotReady
from conf.settings import Settings
from jobs.aliases import aliases, sync_aliases
from jobs.champion import bundle_folder
from jobs.manual_change import promote, rollback
from jobs.model_cards import has_card, publish_cards
from jobs.model_list import model_list
from jobs.tracking import client
from jobs.training_set import of_version
from jobs.trainings import training_of, withdraw
from jobs.upkeep.old_models import remove_old_models

DECIDED = {"trigger": "stale_champion: the champion is old"}
AGREED = (False, True, True, False, True)
"""Of five nights in a row whether the gate agreed: versions 2, 3 and 5 were champions, one after the other."""


def landed(workspace, day):
    """As if a day's files had been taken in."""
    row = dict.fromkeys(workspace.store.specs["landings"].columns) | {"dt": day, "source": "impressions"}
    workspace.store.replace_rows("landings", AlwaysTrue(), [row])


@pytest.fixture
def home(make_workspace):
    """Five versions of five nights, and sixty days after them."""
    workspace = make_workspace("click_log", maintenance={"keep_models_days": 30})
    for number, agrees in enumerate(AGREED):
        registered(workspace, FIRST + timedelta(days=number), agrees=agrees, **DECIDED)
    landed(workspace, FIRST + timedelta(days=60))
    return workspace


def versions_in_mlflow(workspace):
    found = client(workspace).search_model_versions(f"name = '{workspace.model_name}'")
    return sorted(str(version.version) for version in found)


def versions_in_home(workspace):
    return sorted(folder.name for folder in (workspace.home.models / workspace.dataset.name).iterdir())


def test_models_that_serve_no_more_go_and_their_rows_stay(home):
    assert remove_old_models(replace(home, settings=Settings())) == 0, "no number of days is set"
    publish_cards(home, "5")
    assert has_card(home, "2")
    files = len([path for path in home.home.mlflow.rglob("*") if path.is_file()])

    assert remove_old_models(home) == 3

    assert aliases(home) == {"champion": "5", "previous": "3"}
    assert versions_in_mlflow(home) == versions_in_home(home) == ["3", "5"]
    assert [model.version for model in model_list(home)] == ["1", "2", "3", "4", "5"]
    assert [model.version for model in model_list(home) if "kept no more" in model.told] == ["1", "2", "4"]
    assert len([path for path in home.home.mlflow.rglob("*") if path.is_file()]) < files
    assert (has_card(home, "2"), has_card(home, "3")) == (False, True)
    assert home.store.needed_snapshots("training_examples") == {1}
    assert remove_old_models(home) == 0


def test_a_model_that_served_a_short_while_ago_stays_whatever_its_age(home):
    landed(home, FIRST + timedelta(days=32))
    assert remove_old_models(home) == 1, "version 1 alone: 2 served until version 3 came, on the day that is kept last"
    assert versions_in_home(home) == ["2", "3", "4", "5"]


def test_what_was_removed_is_refused_in_words_and_passed_over(home):
    remove_old_models(home)
    for refused in (
        lambda: of_version(home, "2"),
        lambda: bundle_folder(home, "2"),
        lambda: promote(home, "2", "it was better", by="somebody"),
        lambda: promote(home, "4", "it was better", by="somebody", force=True),
    ):
        with pytest.raises(NotReady, match=r"kept no more.*keep_models_days"):
            refused()
    assert rollback(home, "worse", by="somebody").version == "3"
    assert sync_aliases(home) == {"champion": "3"}
    with pytest.raises(NotReady, match="version 3 is the only champion whose model is still kept"):
        rollback(home, "worse still", by="somebody")


def test_a_withdrawn_training_goes_like_any_other(home):
    withdraw(home, FIRST)
    remove_old_models(home)
    assert training_of(home, "1")["withdrawn"] and training_of(home, "1")["removed"]


@pytest.mark.parametrize("stopped_at", ["_forget_runs", "shutil.rmtree", "card_file"])
def test_a_removal_that_was_stopped_is_ended_by_the_next_one(home, monkeypatch, stopped_at):
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(f"jobs.upkeep.old_models.{stopped_at}", stopped)
        with pytest.raises(KeyboardInterrupt):
            remove_old_models(home)
    assert training_of(home, "1")["removed"], "the rows say so first"
    assert "1" in versions_in_mlflow(home)
    assert remove_old_models(home) == 3
    assert versions_in_mlflow(home) == versions_in_home(home) == ["3", "5"]


def test_a_model_that_goes_while_it_is_being_promoted_does_not_become_champion(home, monkeypatch):
    def tagged_meanwhile(*_: object) -> None:
        remove_old_models(home)

    monkeypatch.setattr("jobs.manual_change.tag_version", tagged_meanwhile)
    with pytest.raises(NotReady, match="kept no more"):
        promote(home, "2", "it was better", by="somebody")
    assert aliases(home)["champion"] == "5"
