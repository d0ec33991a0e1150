"""Files are whole or not there, whatever a process that was killed has left beside them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conf.whole_files import in_place_of, write_whole


def test_a_file_is_replaced_at_one_moment_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = write_whole(tmp_path / "new" / "page.html", "old")
    with in_place_of(file) as unfinished:
        unfinished.write_text("new")
        assert file.read_text() == "old"
    assert (file.read_text(), [*file.parent.iterdir()]) == ("new", [file])


def test_a_writing_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    file = write_whole(tmp_path / "page.html", "old")
    with pytest.raises(ValueError, match="cut short"), in_place_of(file) as unfinished:
        unfinished.write_text("half of")
        raise ValueError("cut short")
    assert (file.read_text(), [*tmp_path.iterdir()]) == ("old", [file])


def test_what_a_killed_process_of_the_same_number_has_left_is_not_added_to(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    with closing(sqlite3.connect(tmp_path / f".kept.db.{os.getpid()}")) as left, left:
        left.execute("CREATE TABLE half (n)")
    with in_place_of(file) as unfinished, closing(sqlite3.connect(unfinished)) as made, made:
        made.execute("CREATE TABLE whole (n)")
    with closing(sqlite3.connect(file)) as found:
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == [("whole",)]
