"""A year of small nights with weekly maintenance: what the home weighs and what a night takes come to rest.

`make test-soak` runs it. It goes on where it was stopped: CTR_SOAK_FOLDER keeps its home between runs, CTR_SOAK_SECONDS
ends one run of it early, CTR_SOAK_NIGHTS is how many nights a year has.
"""

from __future__ import annotations

import os
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

import pytest
from year_of_nights import FIRST, curve, run_year_in_parts, workspace_of

from jobs.lost_days import RECORDS
from jobs.maintain import maintain
from jobs.plan import plan
from jobs.training_set import measure, of_version

pytestmark = [pytest.mark.long, pytest.mark.timeout(0)]
NIGHTS = int(os.environ.get("CTR_SOAK_NIGHTS", "365"))
SECONDS = float(os.environ.get("CTR_SOAK_SECONDS", "inf"))
SETTLED = 98
"""By then what is kept for four or five weeks, models too once they are replaced, has come to its number."""
WINDOW = 28


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    given = os.environ.get("CTR_SOAK_FOLDER")
    place = Path(given) if given else tmp_path_factory.mktemp("year")
    run_year_in_parts(place, NIGHTS, SECONDS)
    done = len(curve(place / "curve.csv"))
    if done < NIGHTS:
        pytest.skip(f"{done} of {NIGHTS} nights are done; run it again with CTR_SOAK_FOLDER={place}")
    return place


def growth(nights, name, value=mean):
    """The last weeks against those when the home had settled."""
    early = [getattr(night, name) for night in nights if SETTLED <= night.night < SETTLED + WINDOW]
    late = [getattr(night, name) for night in nights[-WINDOW:]]
    return value(late) / value(early)


LIMITS = {
    "table_files": 1.1,
    "table_folders": 1.05,
    "metadata_files": 1.2,
    "metadata_bytes": 1.2,
    "catalog_bytes": 1.05,
    "contents_bytes": 1.1,
    "report_files": 1.05,
    "report_bytes": 1.05,
    "other_files": 1.2,
}


@pytest.mark.skipif(NIGHTS < SETTLED + 2 * WINDOW, reason="too few nights to compare")
@pytest.mark.parametrize("name", LIMITS)
def test_what_the_home_weighs_comes_to_rest(folder, name):
    assert growth(curve(folder / "curve.csv"), name) < LIMITS[name]


@pytest.mark.skipif(NIGHTS < SETTLED + 2 * WINDOW, reason="too few nights to compare")
def test_a_night_takes_no_longer_at_the_end(folder):
    calm = [night for night in curve(folder / "curve.csv") if not night.trained]
    assert growth(calm, "cpu_seconds", median) < 1.3


@pytest.mark.skipif(NIGHTS < SETTLED + 2 * WINDOW, reason="too few nights to compare")
def test_records_grow_by_a_file_a_month_for_each_of_their_tables(folder):
    nights = curve(folder / "curve.csv")
    early = [night.record_files for night in nights if SETTLED <= night.night < SETTLED + WINDOW]
    late = [night.record_files for night in nights[-WINDOW:]]
    months = (nights[-1].night - SETTLED - WINDOW) / 30
    assert mean(late) - mean(early) < 1.2 * months * len(RECORDS)


def test_mlflow_grows_with_trainings_and_with_nothing_else(folder):
    nights = curve(folder / "curve.csv")
    quiet = [(one, two) for one, two in pairwise(nights) if not two.trained]
    # Fewer after a maintenance that let a model go.
    assert all(one.mlflow_bytes == two.mlflow_bytes and one.artifact_files >= two.artifact_files for one, two in quiet)


def test_nothing_is_stale_after_all_that_maintenance(folder):
    workspace = workspace_of(folder)
    last = FIRST + timedelta(days=NIGHTS - 1)
    assert {night.state for night in plan(workspace, last - timedelta(days=60), last)} == {"done"}
    assert {night.state for night in plan(workspace, FIRST, FIRST + timedelta(days=20))} == {"done"}


def test_what_every_model_was_trained_on_can_still_be_read(folder):
    workspace = workspace_of(folder)
    trainings = [row for row in workspace.store.rows("trainings") if not row["removed"]]
    assert trainings
    for training in trainings:
        assert measure(workspace, of_version(workspace, training["version"])).whole.rows > 0


def test_maintenance_once_more_finds_little_to_do(folder):
    workspace = workspace_of(folder)
    done = maintain(workspace)
    assert done["small_files_joined"] == 0 and done["files_of_old_days"] < 200
