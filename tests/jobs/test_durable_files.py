"""What a commit names is on the disk by then, files and names of folders: the power may go at any moment."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest
from pyiceberg.expressions import EqualTo
from sqlalchemy import event

from conf.whole_files import write_whole
from jobs.store.addresses import local_path
from jobs.store.table_files import files_of
from jobs.upkeep.compaction import compact

DAY = date(2026, 1, 1)
COMMIT = "commit"


def inode(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


@pytest.fixture
def forced(monkeypatch):
    """What was forced to disk, by inode, in order."""
    found, really = [], os.fsync

    def noted(handle: int) -> None:
        found.append((os.fstat(handle).st_dev, os.fstat(handle).st_ino))
        really(handle)

    monkeypatch.setattr(os, "fsync", noted)
    return found


def write_with_the_engine(workspace):
    schema = "dt date, impression_id string, click_time timestamp"
    for name in ("a", "b"):
        rows = workspace.engine.createDataFrame([(DAY, name, None)], schema)
        workspace.store.replace("clicks", EqualTo("dt", DAY), rows)


def write_records(workspace):
    for step in ("ingest", "label"):
        row = dict.fromkeys(workspace.store.specs["runs"].columns) | {"dt": DAY, "step": step}
        workspace.store.replace_rows("runs", EqualTo("step", step), [row])


def compacted(workspace):
    schema = "dt date, impression_id string, click_time timestamp"
    parts = [workspace.engine.createDataFrame([(DAY, name, None)], schema) for name in ("a", "b")]
    workspace.store.replace("clicks", EqualTo("dt", DAY), *parts)
    assert compact(workspace.store, "clicks", 2, 1_000_000).after == 1


@pytest.mark.parametrize(
    ("table", "write"), [("clicks", write_with_the_engine), ("runs", write_records), ("clicks", compacted)]
)
def test_all_that_a_commit_names_was_forced_to_disk_before_it(tiny, forced, table, write):
    event.listen(tiny.store.catalog.engine, "commit", lambda connection: forced.append(COMMIT))
    write(tiny)
    before = forced[: len(forced) - forced[::-1].index(COMMIT)]
    found = tiny.store.table(table)
    files = {Path(local_path(file)) for file in files_of(found)}
    assert len(files) > 4
    assert [file.name for file in files if inode(file) not in before] == []
    made = {folder for file in files for folder in (file.parent, file.parent.parent) if folder.name != table}
    assert [str(folder) for folder in made if inode(folder) not in before] == []


def test_a_file_that_takes_the_place_of_another_is_on_the_disk_by_then(tmp_path, forced):
    file = write_whole(tmp_path / "page.html", "a page")
    assert forced[0] == inode(file)
