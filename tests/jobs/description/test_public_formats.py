"""The descriptions that come with the project, against small logs in the exact public formats."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import public_formats
import pytest

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.champion import champion_as_of
from jobs.description.check import check
from jobs.progress import replay_progress
from jobs.workspace import Home, Workspace

GENTLE = {
    "training": {"models": ["logistic_regression"], "min_train_days": 1, "threads": 1},
    "promotion": {"min_impressions": 100, "confidence": 0.6, "min_calibration_ratio": 0.5, "max_calibration_ratio": 2},
}
Write = Callable[..., None]
FORMATS = {
    "criteo_attribution": (public_formats.criteo_attribution, date(2017, 1, 1)),
    "avazu": (public_formats.avazu, date(2014, 10, 21)),
    "open_bandit": (public_formats.open_bandit, date(2019, 11, 24)),
}


def workspace_of(name: str, folder: Path) -> Workspace:
    return Workspace(Home(folder / "home"), Settings.model_validate(GENTLE), load_dataset(name), folder / "log")


@pytest.mark.parametrize("name", FORMATS)
def test_a_public_format_is_understood(name, tmp_path, engine):
    write, first = FORMATS[name]
    write(tmp_path / "log", days=2)

    report = check(load_dataset(name), tmp_path / "log", engine)

    assert [finding for finding in report.findings if finding.level == "wrong"] == []
    assert report.log["days"] == [str(first), str(first.replace(day=first.day + 1))]
    assert report.log["impressions"] == 3000
    assert 0.01 < report.log["ctr"] < 0.5


@pytest.mark.parametrize("name", FORMATS)
def test_a_public_format_goes_through_two_nights_to_predictions(name, tmp_path, engine):
    write, first = FORMATS[name]
    write(tmp_path / "log", days=3, rows_a_day=500)
    workspace = workspace_of(name, tmp_path)

    summary = replay_progress(workspace, first, first.replace(day=first.day + 1), again=False, quiet=True)

    assert summary["run"] == [str(first), str(first.replace(day=first.day + 1))]
    served = workspace.store.rows("predictions")
    assert {row["dt"] for row in served} == {first.replace(day=first.day + ahead) for ahead in (1, 2)}
    assert all(0 < row["p_click"] < 1 for row in served)
    assert workspace.store.rows("quarantine") == []


@pytest.mark.slow
def test_a_log_without_users_trains_a_champion(tmp_path, engine):
    public_formats.avazu(tmp_path / "log", days=5, rows_a_day=1500)
    workspace = workspace_of("avazu", tmp_path)

    replay_progress(workspace, date(2014, 10, 21), date(2014, 10, 24), again=False, quiet=True)

    champion = champion_as_of(workspace, date(2014, 10, 24))
    assert champion is not None, [row["verdict"] for row in workspace.store.rows("trainings")]
    served = {row["version"] for row in workspace.store.rows("predictions") if row["dt"] == date(2014, 10, 25)}
    assert served == {champion.version}
    assert "user_id" not in workspace.store.specs["predictions"].columns


def test_outcomes_of_criteo_are_no_features():
    dataset = load_dataset("criteo_attribution")

    later = {
        "conversion",
        "conversion_timestamp",
        "conversion_id",
        "attribution",
        "click_pos",
        "click_nb",
        "cost",
        "cpo",
    }
    assert later == set(dataset.impressions.outcomes)
    assert not later & {*dataset.feature_categorical, *dataset.feature_numeric}
