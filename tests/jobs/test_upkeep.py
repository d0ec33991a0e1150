"""Maintenance of tables: what it removes, what it joins, and what it never touches."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
from pyiceberg.expressions import EqualTo

from conf.errors import NotReady
from jobs.maintain import compact_tables, maintain, sweep_tables
from jobs.store.commits import exchanged
from jobs.store.contents import contents_by
from jobs.upkeep.compaction import merge_manifests

DAY = date(2026, 1, 1)
HOUR = 3_600.0
NOW = time.time()


@pytest.fixture
def clicks(engine):
    """Rows of the table `clicks`, in so many files."""
    schema = "dt date, impression_id string, click_time timestamp"

    def rows(day, names, files=1):
        return engine.createDataFrame([(day, name, None) for name in names], schema).repartition(files)

    return rows


def replaced(workspace, rows, day=DAY):
    workspace.store.replace("clicks", EqualTo("dt", day), rows)


def in_parts(workspace, day=DAY, parts=10):
    """A day of so many small files with two rows each, as several tasks would leave them."""
    from jobs.store.commits import committed

    store, files = workspace.store, []
    for part in range(parts):
        rows = workspace.engine.createDataFrame(
            [(day, f"{day}-{part}-{row}", None) for row in range(2)],
            "dt date, impression_id string, click_time timestamp",
        )
        files += store._written("clicks", rows)[0]
    committed(lambda: store.table("clicks"), EqualTo("dt", day), files)
    return len(files)


def ids(workspace, snapshot=None):
    return sorted(row["impression_id"] for row in workspace.store.arrow("clicks", snapshot=snapshot).to_pylist())


def files_in(workspace, table="clicks"):
    return {path for path in (workspace.home.warehouse / "tiny" / table).rglob("*") if path.is_file()}


def test_a_day_of_many_small_files_becomes_one_file_of_the_same_rows(tiny):
    count = in_parts(tiny)
    in_parts(tiny, DAY + timedelta(days=1), parts=4)
    before, found = ids(tiny), contents_by(tiny.store.read(tiny.engine, "clicks"), ("dt",), 9)
    parts = tiny.contents.of("clicks", tiny.contents.partitions("clicks"))

    done = compact_tables(tiny)

    assert (done.before, done.after) == (count, 1)
    assert len(tiny.store.files("clicks", EqualTo("dt", DAY))) == 1
    assert ids(tiny) == before
    assert contents_by(tiny.store.read(tiny.engine, "clicks"), ("dt",), 9) == found
    after = tiny.contents.of("clicks", tiny.contents.partitions("clicks"))
    assert sorted(map(str, parts.values())) == sorted(map(str, after.values())), "nothing becomes stale"
    assert compact_tables(tiny).before == 0


def test_rows_keep_the_order_in_which_they_were_read(tiny):
    in_parts(tiny)
    files = tiny.store.files("clicks")
    before = [name for file in files for name in _names(file)]
    compact_tables(tiny)
    [file] = tiny.store.files("clicks")
    assert _names(file) == before


def _names(file):
    import pyarrow.parquet as pq

    return pq.read_table(file.removeprefix("file://"), columns=["impression_id"])["impression_id"].to_pylist()


def test_a_snapshot_from_before_is_read_as_it_was_after_files_were_joined(tiny):
    in_parts(tiny)
    before, snapshot = ids(tiny), tiny.store.snapshot("clicks")
    compact_tables(tiny)
    assert ids(tiny, snapshot) == before


def test_a_day_that_was_written_meanwhile_is_not_joined(tiny, clicks):
    in_parts(tiny)
    old = tiny.store.files("clicks")
    joined = tiny.store._written("clicks", tiny.store.read(tiny.engine, "clicks"))[0]
    replaced(tiny, clicks(DAY, ["newer"]))
    assert not exchanged(lambda: tiny.store.table("clicks"), old, joined)
    assert ids(tiny) == ["newer"]


def test_a_commit_that_overlooked_a_file_is_tried_again(tiny, monkeypatch):
    from pyiceberg.exceptions import ValidationException
    from pyiceberg.table.update.snapshot import _OverwriteFiles

    check, calls = _OverwriteFiles._validate_required_deletes, []

    def overlook_once(self, entries):
        calls.append(entries)
        if len(calls) == 1:
            raise ValidationException("Missing required files to delete")
        check(self, entries)

    monkeypatch.setattr(_OverwriteFiles, "_validate_required_deletes", overlook_once)
    row = dict.fromkeys(tiny.store.specs["clicks"].columns) | {"dt": DAY}
    for name in ("a", "b"):
        tiny.store.replace_rows("clicks", EqualTo("dt", DAY), [row | {"impression_id": name}])
    assert len(calls) == 2 and ids(tiny) == ["b"]


def test_many_manifests_become_few_and_the_rows_stay(tiny):
    store, days = tiny.store, [DAY + timedelta(days=number) for number in range(25)]
    row = dict.fromkeys(store.specs["clicks"].columns)
    for number in (1, 2):  # a manifest that takes the place of rows stays alone
        for day in days:
            store.replace_rows("clicks", EqualTo("dt", day), [row | {"dt": day, "impression_id": f"{number}"}])
    latest = store.table("clicks").current_snapshot()
    assert len(latest.manifests(store.table("clicks").io)) > 20
    before = sorted(map(repr, store.rows("clicks")))
    gone = merge_manifests(store, "clicks")
    latest = store.table("clicks").current_snapshot()
    assert gone >= 20 and len(latest.manifests(store.table("clicks").io)) < 5
    assert sorted(map(repr, store.rows("clicks"))) == before
    assert merge_manifests(store, "clicks") == 0


@pytest.fixture
def rewritten(make_workspace, clicks):
    """A table whose first files, manifests and metadata belong to nothing any more."""
    workspace = make_workspace("click_log", store={"keep_snapshots": 1})
    for number in range(30):
        row = dict.fromkeys(workspace.store.specs["clicks"].columns) | {"dt": DAY, "impression_id": f"i{number}"}
        workspace.store.replace_rows("clicks", EqualTo("dt", DAY), [row])
    return workspace


def test_orphans_go_with_the_second_pass_that_sees_them_and_no_named_file_does(rewritten):
    before = files_in(rewritten)
    first = sweep_tables(rewritten, NOW + 48 * HOUR)
    assert first["orphan_files_removed"] == 0 and first["orphan_files_waiting"] > 0
    assert files_in(rewritten) == before
    assert sweep_tables(rewritten, NOW + 49 * HOUR)["orphan_files_removed"] == 0, "too soon after the first pass"

    second = sweep_tables(rewritten, NOW + 73 * HOUR)

    assert second == {"orphan_files_removed": first["orphan_files_waiting"], "orphan_files_waiting": 0}
    kinds = {
        path.name.split("-")[0] if path.suffix == ".avro" else path.suffix for path in before - files_in(rewritten)
    }
    assert {".parquet", "snap"} <= kinds, "data, manifests and lists of manifests"
    assert ids(rewritten) == ["i29"]
    for snapshot in rewritten.store.table("clicks").snapshots():
        assert len(ids(rewritten, snapshot.snapshot_id)) == 1


def test_a_file_that_is_written_and_not_yet_committed_is_safe_however_long_the_night(tiny, clicks):
    replaced(tiny, clicks(DAY, ["a"]))
    written, _ = tiny.store._written("clicks", clicks(DAY + timedelta(days=1), ["b"]))
    for hours in (0, 1, 23.9):
        sweep_tables(tiny, NOW + hours * HOUR)
    tiny.store._commit("clicks", EqualTo("dt", DAY + timedelta(days=1)), written)
    sweep_tables(tiny, NOW + 500 * HOUR)
    assert ids(tiny) == ["a", "b"]


@pytest.mark.parametrize("skew", [-1_000, 1_000])
def test_a_warehouse_whose_clock_is_wrong_loses_nothing_that_was_just_written(tiny, clicks, skew):
    import os

    replaced(tiny, clicks(DAY, ["a"]))
    written, _ = tiny.store._written("clicks", clicks(DAY + timedelta(days=1), ["b"]))
    for file in files_in(tiny):
        os.utime(file, (NOW + skew * HOUR,) * 2)
    assert sweep_tables(tiny, NOW)["orphan_files_removed"] == 0
    tiny.store._commit("clicks", EqualTo("dt", DAY + timedelta(days=1)), written)
    assert ids(tiny) == ["a", "b"]


def test_a_table_whose_metadata_cannot_be_read_loses_nothing(rewritten):
    table = rewritten.store.table("clicks")
    from pathlib import Path

    Path(table.current_snapshot().manifest_list.removeprefix("file://")).unlink()
    before = files_in(rewritten)
    with pytest.raises(FileNotFoundError):
        sweep_tables(rewritten, NOW + 500 * HOUR)
    assert files_in(rewritten) == before


def test_a_second_maintenance_at_the_same_time_is_told_to_leave_it(tiny, clicks):
    from filelock import FileLock

    replaced(tiny, clicks(DAY, ["a"]))
    with FileLock(tiny.home.maintenance_lock), pytest.raises(NotReady, match="is running already"):
        maintain(tiny)
    maintain(tiny)


def test_what_a_model_was_trained_on_stays_through_everything(make_workspace):
    workspace = make_workspace(
        "click_log", store={"keep_snapshots": 1}, maintenance={"keep_snapshots_days": 1, "compact_files": 2}
    )
    store = workspace.store
    columns = dict.fromkeys(store.specs["training_examples"].columns) | {"dt": DAY}
    for number in range(12):
        store.replace_rows("training_examples", EqualTo("dt", DAY), [columns | {"impression_id": f"i{number}"}])
        if number == 3:
            trained_on = store.snapshot("training_examples")
            training = dict.fromkeys(store.specs["trainings"].columns) | {"dt": DAY, "snapshot": trained_on}
            store.replace_rows("trainings", EqualTo("dt", DAY), [training | {"version": "1"}])
    for week in range(4):
        maintain(workspace, NOW + (30 + 7 * week) * 24 * HOUR)
    kept = {snapshot.snapshot_id for snapshot in store.table("training_examples").snapshots()}
    assert kept == {trained_on, store.snapshot("training_examples")}
    [row] = store.arrow("training_examples", snapshot=trained_on).to_pylist()
    assert row["impression_id"] == "i3"
    assert len([path for path in files_in(workspace, "training_examples") if path.suffix == ".parquet"]) == 2
