"""Whole landings with bad rows in every file, taken in as a night does: the balance is the one the generator knows."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from fuzz_tally import NAMED, QUARANTINED, TABLE, count, examples
from hostile_landings import Landing, damaged_landings, expected_balance, expected_rows, landings
from hypothesis import given
from landing_files import FIRST, OPEN_GATE

from conf.dataset import load_dataset
from conf.errors import FeedBlocked, LandingError
from conf.settings import Settings
from jobs.ingest import ingest
from jobs.status import balance
from jobs.workspace import Home, Workspace

CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"
MEMORY = Path("/dev/shm")
TABLES = {
    "impressions": ("dt", "impression_id", "user_id", "ad_id", "slot", "bid"),
    "attributes_ads": ("ad_id", "campaign_id"),
    "candidates": ("user_id", "ad_id", "slot"),
}
SETTINGS = Settings.model_validate({"feed": {**OPEN_GATE, "max_null_share": 1.0, "max_duplicate_share": 1.0}})


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as found:
        yield Path(found)


def workspace_of(folder: Path, landing: Landing) -> Workspace:
    """A workspace whose description has the layout of the landing's impressions."""
    place = Path(tempfile.mkdtemp(dir=folder))
    dataset = load_dataset(str(CLICK_LOG))
    layout = landing.impressions[0].layout
    log = dataset.impressions.model_copy(update={"files": "{date}/impressions*", **layout})
    landing.land(place / "landing" / str(FIRST))
    described = dataset.model_copy(update={"impressions": log})
    return Workspace(Home(place / "home"), SETTINGS, described, place / "landing")


def assert_balance_is_the_generators(workspace: Workspace, landing: Landing) -> None:
    found = {row["source"]: row for row in workspace.store.rows("landings")}
    quarantine = workspace.store.rows("quarantine")
    for source, fates in landing.fates.items():
        expected = expected_balance(fates)
        assert {name: found[source][name] for name in expected} == expected, source
        rejected = [row for row in quarantine if row["source"] == source]
        assert len(rejected) == expected["quarantined"]
        assert len({(row["file"], row["position"]) for row in rejected}) == len(rejected)
        assert all(row["reason"] and row["text"] is not None for row in rejected)
    assert all(row["balanced"] for row in balance(workspace))


def assert_tables_hold_what_landed(workspace: Workspace, landing: Landing) -> None:
    for table, columns in TABLES.items():
        rows = [tuple(row[name] for name in columns) for row in workspace.store.rows(table)]
        expected = expected_rows(landing.fates[table])
        old_ends = any(
            b"\r" in file.content for file in landing.impressions
        )  # a line end inside a value may be another
        if table != "impressions" or not old_ends:
            assert sorted(rows, key=repr) == expected, table
        assert len(rows) == len(expected), table
    clicked = [row["impression_id"] for row in workspace.store.rows("clicks")]
    assert sorted(clicked) == sorted(str(shown) for shown, _ in expected_rows(landing.fates["clicks"]))


@examples(0.24)
@given(landing=landings())
def test_the_balance_of_a_night_is_the_one_that_its_generator_knows(engine, folder, landing):
    workspace = workspace_of(folder, landing)
    try:
        ingest(workspace, FIRST)
    except FeedBlocked as error:
        shown = expected_balance(landing.fates["impressions"])
        clicks = expected_balance(landing.fates["clicks"])
        assert shown["used"] == 0 or clicks["used"] > shown["used"], error
        assert all(not workspace.store.rows(table) for table in (*TABLES, "clicks", "landings"))
        count("night taken in", NAMED)
        return
    assert_balance_is_the_generators(workspace, landing)
    assert_tables_hold_what_landed(workspace, landing)
    quarantined = any(expected_balance(fates)["quarantined"] for fates in landing.fates.values())
    count("night taken in", QUARANTINED if quarantined else TABLE)


@examples(0.08)
@given(landing=damaged_landings())
def test_a_night_with_a_file_that_cannot_be_read_publishes_nothing(engine, folder, landing):
    workspace = workspace_of(folder, landing)
    with pytest.raises(LandingError) as caught:
        ingest(workspace, FIRST)
    assert "damaged" in str(caught.value)
    assert all(not workspace.store.rows(table) for table in (*TABLES, "clicks", "landings", "quarantine"))
    count("night with a damaged file", NAMED)
