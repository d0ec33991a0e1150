"""Models of withdrawn trainings go after a time, from MLflow and from the home; all others stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from landing_files import FIRST
from pyiceberg.expressions import AlwaysTrue
from registered_versions import registered

from conf.errors import NotReady
from conf.settings import Settings
from jobs.tracking import client
from jobs.training_set import of_version
from jobs.trainings import training_of, withdraw
from jobs.upkeep.withdrawn import remove_withdrawn

DECIDED = {"trigger": "stale_champion: the champion is old"}
LATER = FIRST + timedelta(days=60)


@pytest.fixture
def home(make_workspace):
    """Three versions of three nights; the first two are withdrawn, and the second was champion once."""
    workspace = make_workspace("click_log", maintenance={"keep_withdrawn_days": 30})
    store = workspace.store
    rows = []
    for number in range(3):
        night = FIRST + timedelta(days=number)
        registered(workspace, night, agrees=number == 1, **DECIDED)
        rows.append(dict.fromkeys(store.specs["landings"].columns) | {"dt": LATER, "source": str(number)})
    for night in (FIRST, FIRST + timedelta(days=1)):
        withdraw(workspace, night)
    store.replace_rows("landings", AlwaysTrue(), rows)
    return workspace


def versions_in_mlflow(workspace):
    found = client(workspace).search_model_versions(f"name = '{workspace.model_name}'")
    return sorted(str(version.version) for version in found)


def versions_in_home(workspace):
    return sorted(folder.name for folder in (workspace.home.models / workspace.dataset.name).iterdir())


def test_a_withdrawn_model_that_was_never_champion_goes_and_its_row_stays(home):
    assert remove_withdrawn(replace(home, settings=Settings())) == 0, "no number of days is set"
    files = len([path for path in home.home.mlflow.rglob("*") if path.is_file()])

    assert remove_withdrawn(home) == 1

    assert versions_in_mlflow(home) == versions_in_home(home) == ["2", "3"]
    assert training_of(home, "1")["withdrawn"] and training_of(home, "1")["snapshot"] is None
    assert len([path for path in home.home.mlflow.rglob("*") if path.is_file()]) < files
    with pytest.raises(NotReady, match="its model has been removed"):
        of_version(home, "1")
    assert remove_withdrawn(home) == 0
