"""SQLite files that a killed process left in the middle of a commit."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from jobs.doctor import database_fault
from jobs.moving.mlflow_files import copy_database
from jobs.store.kept_database import database_to_read

KILLED_IN_A_COMMIT = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")  # so that changed pages are in the file before the commit
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE rows SET text = 'half' || hex(randomblob(300))")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def half_committed(tmp_path: Path) -> Path:
    """A database of 500 rows `sound`, and the journal of a process that was killed while it changed them all."""
    file = tmp_path / "catalog #1.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE rows (text)")
        connection.executemany("INSERT INTO rows VALUES (?)", [("sound" + "x" * 300,)] * 500)
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_A_COMMIT, str(file)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Path(f"{file}-journal").stat().st_size > 0
    reading_alone = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    with closing(reading_alone), pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading_alone.execute("SELECT count(*) FROM rows").fetchall()
    return file


def test_half_a_commit_is_no_fault_and_is_taken_back(half_committed):
    assert database_fault(half_committed) == ""
    with database_to_read(half_committed) as connection:
        assert connection.execute("SELECT count(*) FROM rows WHERE text LIKE 'sound%'").fetchall() == [(500,)]


def test_a_copy_has_nothing_of_half_a_commit(half_committed, tmp_path):
    copy_database(half_committed, tmp_path / "copy.db")
    with database_to_read(tmp_path / "copy.db") as connection:
        assert connection.execute("SELECT count(*) FROM rows WHERE text LIKE 'half%'").fetchall() == [(0,)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to everything")
def test_a_file_that_may_not_be_written_is_read_all_the_same(tmp_path):
    file = tmp_path / "kept.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE rows (text)")
    file.chmod(0o400)
    assert database_fault(file) == ""


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(sqlite3.OperationalError), database_to_read(tmp_path / "none.db") as connection:
        connection.execute("SELECT 1 FROM sqlite_master")
    assert not (tmp_path / "none.db").exists()
