"""SHA-256 of data files as they were committed, so that bits that flip later are told, those too that still decode.

Data files never change and their names are never used again. What is not known of a file is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conf.file_digests import sha256_of
from jobs.store.addresses import local_path
from jobs.store.kept_database import kept_database

MAKE_TABLE = "CREATE TABLE IF NOT EXISTS checksums (file TEXT PRIMARY KEY, sha256 TEXT)"
AT_ONCE = 500


@dataclass(frozen=True)
class Checksums:
    """Checksums of a warehouse's files on this machine. `kept` is the SQLite file that holds them.

    Files are named from below their table's folder `data` on, so that a home that has moved keeps its checksums.
    """

    kept: Path

    def keep(self, files: Sequence[str]) -> None:
        """Write down the checksums of new files; those in an object store, which keeps its own, are left out."""
        local = [Path(path) for file in files if (path := local_path(file))]
        if not local:
            return
        rows = [(_name(str(path)), sha256_of(path)) for path in local]
        with kept_database(self.kept, MAKE_TABLE) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO checksums VALUES (?, ?)", rows)

    def of(self, files: Sequence[str]) -> dict[str, str]:
        """What is known of some files."""
        if not self.kept.is_file():
            return {}
        by_name = {_name(file): file for file in files}
        found: dict[str, str] = {}
        names = list(by_name)
        with kept_database(self.kept, MAKE_TABLE) as connection:
            for place in range(0, len(names), AT_ONCE):
                part = names[place : place + AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = connection.execute(f"SELECT file, sha256 FROM checksums WHERE file IN ({marks})", part)
                found |= {by_name[name]: sha256 for name, sha256 in rows}
        return found


def _name(file: str) -> str:
    return file.rpartition("/data/")[2]
