"""MLflow's default store in a home: a copy of its database, and the addresses in it after a move."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from jobs.store.kept_database import database_to_read

ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}
"""Columns that hold addresses of artifacts, by table."""


def copy_database(source: Path, target: Path) -> None:
    """A copy of a database as it is at one moment, also while others write to it."""
    with database_to_read(source) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def readdress(database: Path, old: str, new: str) -> int:
    """Put `new` in place of `old` where an address begins with it; returns how many addresses there were."""
    changed = 0
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, columns in ADDRESSES.items():
            known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for column in [name for name in columns if name in known]:
                changed += connection.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                ).rowcount
    return changed
