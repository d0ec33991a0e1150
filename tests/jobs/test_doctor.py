"""Files of the tables damaged behind the store's back: named by the doctor, rebuilt from the landing files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from landing_files import FIRST, OPEN_GATE, impression, land
from table_content import content, differences

from conf.dataset import load_dataset
from conf.errors import StoreError
from conf.settings import Settings
from jobs.cli.failures import in_words
from jobs.doctor import days_told, examined
from jobs.night import STEPS, run_step
from jobs.repair import repair
from jobs.workspace import Home, Workspace

CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"
NIGHTS = tuple(FIRST + timedelta(days=ahead) for ahead in range(3))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, engine: object) -> tuple[Workspace, dict[str, Any]]:
    """A home with three nights, and what its tables hold."""
    place = tmp_path_factory.mktemp("doctor")
    settings = Settings.model_validate({"feed": OPEN_GATE})
    workspace = Workspace(Home(place / "home"), settings, load_dataset(str(CLICK_LOG)), place / "landing")
    for number, night in enumerate(NIGHTS):
        rows = [impression(f"i{number}-{one}", night, user=f"u{one}") for one in range(5)]
        clicks = [(f"i{number}-1", f"{night} 12:30:00")]
        candidates = [("u1", "a1", "top"), ("u2", "a2", "side")]
        land(workspace.data, night, impressions=rows, clicks=clicks, campaigns={"a1": "c1"}, candidates=candidates)
        for step in STEPS:
            run_step(workspace, step, night)
    return workspace, content(workspace)


@pytest.fixture
def home(done: tuple[Workspace, dict[str, Any]]) -> Iterator[Workspace]:
    """The home, which may be damaged; it is put back afterwards, since tables know where they lie."""
    workspace, _ = done
    kept = workspace.home.path.with_name("kept")
    shutil.copytree(workspace.home.path, kept)
    yield replace(workspace)
    shutil.rmtree(workspace.home.path)
    kept.rename(workspace.home.path)


def file_of(workspace: Workspace, table: str, day: Any) -> Path:
    """A data file of a table's day."""
    [found] = [part for part in workspace.contents.partitions(table) if part.values[0] == day][:1]
    return Path(found.files[0].removeprefix("file://"))


def wrong(workspace: Workspace, *, deep: bool = False) -> list[tuple[str, Any, str]]:
    found = examined(replace(workspace), deep=deep)
    return [(one.place, one.day, one.told) for one in found if one.severity == "wrong"]


def flip_a_bit(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 4
    file.write_bytes(raw)


def test_a_sound_home_has_nothing_wrong(home):
    assert wrong(home, deep=True) == []


def test_damaged_files_are_named_with_their_day_and_rebuilt_from_the_landing_files(home, done):
    file_of(home, "impressions", NIGHTS[0]).unlink()
    flip_a_bit(file_of(home, "examples", NIGHTS[1]))
    features = file_of(home, "features_user", NIGHTS[2])
    features.write_bytes(features.read_bytes()[:100])
    file_of(home, "predictions", NIGHTS[1]).unlink()
    file_of(home, "quality", NIGHTS[1].replace(day=1)).unlink()
    shallow = {place: (day, told) for place, day, told in wrong(home)}
    assert shallow["table impressions"] == (str(NIGHTS[0]), "is gone")
    assert shallow["table features_user"][1].startswith("has 100 bytes instead of")
    assert days_told(examined(replace(home), deep=True)) == {
        "impressions": [str(NIGHTS[0])],
        "examples": [str(NIGHTS[1])],
        "features_user": [str(NIGHTS[2])],
        "predictions": [str(NIGHTS[1])],
        "quality": [f"{NIGHTS[1]:%Y-%m}"],
    }
    planned = repair(replace(home), deep=True, dry_run=True)
    assert f"take {NIGHTS[0]} out of impressions" in planned["actions"]
    assert wrong(home, deep=True), "a dry run changes nothing"
    assert repair(replace(home), deep=True)["left"] == []
    assert wrong(home, deep=True) == []
    assert differences(done[1], content(replace(home))) == {}


@pytest.mark.parametrize("tables", [("runs",), ("landings",), ("decisions", "runs", "landings")])
def test_a_month_of_records_that_is_damaged_is_named_and_its_nights_replayed(home, done, tables):
    for table in tables:
        file_of(home, table, NIGHTS[0].replace(day=1)).write_bytes(b"no rows")
    assert {(place, day) for place, day, _ in wrong(home)} == {
        (f"table {table}", f"{NIGHTS[0]:%Y-%m}") for table in tables
    }
    planned = repair(replace(home), dry_run=True)
    assert {f"take {NIGHTS[0]:%Y-%m} out of {table}" for table in tables} <= set(planned["actions"])
    assert repair(replace(home))["left"] == []
    assert wrong(home) == []
    assert differences(done[1], content(replace(home))) == {}
    assert {(row["dt"], row["step"]) for row in replace(home).store.rows("runs")} == {
        (night, step) for night in NIGHTS for step in STEPS
    }


def test_a_night_beside_damaged_records_ends_in_words(home):
    file_of(home, "runs", NIGHTS[0].replace(day=1)).write_bytes(b"no rows")
    with pytest.raises(pa.ArrowInvalid) as failed:
        run_step(replace(home), "label", NIGHTS[2])
    told = in_words(failed.value, home.home.path)
    assert told is not None and "`ctr doctor` names it" in str(told)


def test_a_table_whose_metadata_is_gone_is_made_anew(home, done):
    location = home.store.table("examples").metadata_location
    Path(location.removeprefix("file://")).unlink()
    [(place, day, told)] = wrong(home)
    assert (place, day) == ("table examples", "") and "metadata" in told
    assert repair(replace(home))["left"] == []
    assert differences(done[1], content(replace(home))) == {}


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"no database" * 100)])
def test_a_catalog_that_is_gone_or_damaged_is_refused_in_words_and_made_anew(home, done, damage):
    damage(home.home.catalog)
    with pytest.raises(StoreError, match="ctr repair"):
        replace(home).store.rows("runs")
    assert wrong(home)[0][0] == "catalog"
    assert repair(replace(home))["left"] == []
    assert wrong(home) == []
    assert differences(done[1], content(replace(home))) == {}


def test_a_warehouse_named_without_a_scheme_is_looked_at_too(home):
    store = home.settings.store.model_copy(update={"warehouse": str(home.home.warehouse)})
    named = replace(home, settings=home.settings.model_copy(update={"store": store}))
    home.home.catalog.unlink()
    assert wrong(named)[0][0] == "catalog"
    with pytest.raises(StoreError, match="ctr repair"):
        replace(named).store.rows("runs")


def test_days_whose_landing_files_are_gone_are_left_as_they_are(home):
    file_of(home, "impressions", NIGHTS[0]).unlink()
    shutil.move(home.data / str(NIGHTS[0]), home.data / "away")
    try:
        done = repair(replace(home))
    finally:
        shutil.move(home.data / "away", home.data / str(NIGHTS[0]))
    assert done["actions"] == []
    assert done["left"] == [
        f"impressions: the landing files of {NIGHTS[0]} are not there any more; restore them first."
    ]
