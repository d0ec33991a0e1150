"""Six nights of the KuaiRand-Pure log (Gao et al., CIKM 2022), where the log is at hand."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.champion import PRIOR
from jobs.feature_list import model_columns
from jobs.progress import replay_progress
from jobs.workspace import Home, Workspace

REAL = Path(os.environ.get("CTR_REAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
DATA = REAL / "kuairand_pure" if (REAL / "kuairand_pure").is_dir() else REAL
START, NIGHTS = date(2022, 4, 25), 6

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not any(DATA.glob("log_standard_*.csv")),
        reason=f"no real log in {DATA}; set CTR_REAL_DATA to the folder of KuaiRand-Pure or the one above it",
    ),
]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory, engine):
    """A workspace in which six nights have been run, with one short training."""
    training = {"models": ["logistic_regression"], "min_train_days": 2, "threads": 2}
    home = Home(tmp_path_factory.mktemp("real"))
    workspace = Workspace(home, Settings.model_validate({"training": training}), load_dataset("kuairand"), DATA)
    replay_progress(workspace, START, START + timedelta(days=NIGHTS - 1), again=False, quiet=True)
    return workspace


def test_the_last_day_that_a_champion_scored_is_predicted_well_and_in_the_right_amount(replayed):
    rows = [row for row in replayed.store.rows("quality") if row["slice"] == "all" and row["state"] == "final"]
    last = max((row for row in rows if row["model"] != PRIOR), key=lambda row: row["dt"])
    assert last["dt"] == START + timedelta(days=NIGHTS - 1)
    assert last["ne"] < 0.93
    assert 0.9 < last["calibration_ratio"] < 1.1


def test_no_outcome_is_among_the_features(replayed):
    outcomes = {*replayed.dataset.impressions.outcomes, replayed.dataset.inline_label_column}
    assert not outcomes & set(model_columns(replayed.dataset).all)
    assert not outcomes & set(replayed.store.specs["training_examples"].columns)


def test_every_row_of_the_six_days_is_an_impression_or_a_duplicate(replayed):
    for row in replayed.store.rows("landings"):
        assert row["quarantined"] == 0
        assert row["landed"] == row["used"] + row["duplicates"]
