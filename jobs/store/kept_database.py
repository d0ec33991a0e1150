"""SQLite files that keep what was learned of the tables' files, each in one table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SECONDS_TO_WAIT = 30.0
"""For another process that writes to the file at the same moment."""


@contextmanager
def kept_database(file: Path, make_table: str) -> Iterator[sqlite3.Connection]:
    """A connection to a file; it and its table are made where they are missing. The block commits what it changes.

    Raises:
        sqlite3.Error: the file is no database, or another process holds it for longer than is waited.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file, timeout=SECONDS_TO_WAIT)) as connection:
        connection.execute(make_table)
        yield connection
