"""A process that reads tables all the while others write them, and notes what no reader may see.

Reads requests from standard input: `watch` with a catalog's file and the row counts that each partition may have;
`rest`, which is answered with what was seen.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from jobs.store.kept_database import database_to_read
from jobs.store.schemas import MONTH

SECONDS_BETWEEN = 0.02
OF_A_WRITE = ("dt", "step", "state")
"""The columns by which rows of monthly tables are replaced together, where a table has them."""


def partition_counts(table: Any, snapshot: int | None) -> dict[str, int]:
    """Rows of each partition at a snapshot, by the partition's values; of files of a month, by those of their rows."""
    import pyarrow.parquet as pq

    found: Counter[str] = Counter()
    names = [field.name for field in table.spec().fields]
    columns = [name for name in OF_A_WRITE if name in table.schema().column_names]
    for task in table.scan(snapshot_id=snapshot).plan_files() if snapshot else ():
        if names == [MONTH]:
            rows = pq.read_table(task.file.file_path.removeprefix("file://"), columns=columns)
            found.update(str(list(row.values())) for row in rows.to_pylist())
        else:
            found[str([task.file.partition[place] for place in range(len(names))])] += task.file.record_count
    return dict(found)


def named_tables(catalog: Path) -> dict[str, str]:
    """Where the metadata of each table lie now, by the table's name."""
    with database_to_read(catalog) as connection:
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'iceberg_tables'").fetchone()
        rows = connection.execute("SELECT table_name, metadata_location FROM iceberg_tables") if made else ()
        return {name: location for name, location in rows if location}


def loaded(location: str) -> Any:
    """A table as its metadata file tells it."""
    from pyiceberg.table import StaticTable

    return StaticTable.from_metadata(location)


class Reader:
    """Looks at every new state of every table, and at every snapshot that came with it."""

    def __init__(self, catalog: Path, allowed: dict[str, dict[str, list[int]]]) -> None:
        self.catalog, self.allowed = catalog, allowed
        self.known: dict[str, str] = {}
        self.looked: set[int] = set()
        self.polls, self.states, self.wrong = 0, 0, []  # type: ignore[var-annotated]
        self.enough = threading.Event()

    def run(self) -> None:
        """Poll until it is enough."""
        while not self.enough.wait(SECONDS_BETWEEN):
            try:
                self.poll()
            except Exception as error:  # whatever a reader meets is a finding
                self.wrong.append(f"{type(error).__name__}: {error}")

    def poll(self) -> None:
        """Look at what is new."""
        self.polls += 1
        if not self.catalog.is_file():
            return
        for name, location in named_tables(self.catalog).items():
            if self.known.get(name) == location:
                continue
            table = loaded(location)
            for snapshot in [one for one in table.snapshots() if one.snapshot_id not in self.looked]:
                self.looked.add(snapshot.snapshot_id)
                self.judge(name, table, snapshot.snapshot_id)
            self.known[name] = location
            latest = table.current_snapshot()
            if latest:
                self.wrong += missing_files(table)

    def judge(self, name: str, table: Any, snapshot: int) -> None:
        """Note the partitions of a snapshot that hold neither what they held before nor what they are to hold."""
        self.states += 1
        for partition, rows in partition_counts(table, snapshot).items():
            if rows not in self.allowed.get(name, {}).get(partition, []):
                self.wrong.append(f"{name} {partition} holds {rows} rows in snapshot {snapshot}")


def missing_files(table: Any) -> Iterable[str]:
    """Files that the latest snapshot names and that are not there."""
    files = [task.file.file_path.removeprefix("file://") for task in table.scan().plan_files()]
    return [f"{file} is named and is not there" for file in files if not Path(file).is_file()]


def serve() -> None:
    """Answer requests until standard input ends."""
    for slow_to_import in ("pyiceberg.io.pyarrow", "pyiceberg.table"):
        import_module(slow_to_import)

    print(json.dumps({"ready": True}), flush=True)
    reader, thread = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "watch":
            reader = Reader(Path(request["catalog"]), request["allowed"])
            thread = threading.Thread(target=reader.run)
            thread.start()
            print(json.dumps({"watching": True}), flush=True)
        elif reader and thread:
            reader.enough.set()
            thread.join()
            print(json.dumps({"polls": reader.polls, "states": reader.states, "wrong": reader.wrong}), flush=True)


if __name__ == "__main__":
    serve()
