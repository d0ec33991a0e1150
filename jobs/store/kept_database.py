"""SQLite files: those that keep what was learned of the tables' files, each in one table, and any that is only read."""

from __future__ import annotations

import os
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


@contextmanager
def database_to_read(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection for those who change nothing.

    A process that was killed while it committed leaves half of its changes and a journal to take them back by, which
    the next one to open the file does. One that opened it for reading alone could not, and would take a sound file for
    a broken one. So it is opened for writing where that is allowed.

    Raises:
        sqlite3.Error: there is no such file, it is no database, or another process holds it for too long.
    """
    mode = "rw" if os.access(file, os.W_OK) and os.access(file.parent, os.W_OK) else "ro"
    address = f"{file.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, timeout=SECONDS_TO_WAIT)) as connection:
        yield connection
