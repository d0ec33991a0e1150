"""Compaction: days of many small files are rewritten into one file, and long lists of manifests into few.

Neither changes what a table holds, so nothing becomes stale; snapshots that models were trained on keep their files.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jobs.store.commits import attempts_after_conflicts, exchanged
from jobs.store.table_files import filesystem_of

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from jobs.store.tables import Store

MEGABYTE = 1_000_000
MANY_MANIFESTS = 20
"""As `commit.manifest.min-count-to-merge`: fewer are not merged."""


@dataclass(frozen=True)
class Compacted:
    """Files before and after, of the partitions that were rewritten; and manifests taken away."""

    before: int = 0
    after: int = 0
    manifests: int = 0


def compact(store: Store, name: str, least_files: int, small_bytes: int) -> Compacted:
    """Rewrite the partitions of a table that have `least_files` files or more smaller than `small_bytes`.

    A night that writes the same partition meanwhile wins: then nothing of the table is rewritten this time.
    """
    table = store.table(name)
    groups = _small_files(table, least_files, small_bytes)
    old = [file.file_path for group in groups for file in group]
    new = [_joined(store, name, table, group) for group in groups]
    done = bool(old) and exchanged(lambda: store.table(name), old, new)
    return Compacted(len(old) if done else 0, len(new) if done else 0, merge_manifests(store, name))


def _small_files(table: Table, least_files: int, small_bytes: int) -> list[list[DataFile]]:
    """The small files of each partition that has enough of them, by name: that is the order in which they are read."""
    by_partition: dict[Any, list[DataFile]] = {}
    for task in table.scan().plan_files():
        if task.file.file_size_in_bytes < small_bytes:
            by_partition.setdefault(repr(task.file.partition), []).append(task.file)
    groups = [files for files in by_partition.values() if len(files) >= least_files]
    return [sorted(files, key=lambda file: file.file_path) for files in groups]


def _joined(store: Store, name: str, table: Table, files: Sequence[DataFile]) -> str:
    """A new file with the rows of others, in their order; a batch at a time. Named by no snapshot yet."""
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    from jobs.store.types import arrow_schema

    filesystem, prefix = filesystem_of(table)
    schema = arrow_schema(store.specs[name].columns)
    location = f"{table.location()}/data/{uuid.uuid4().hex}.parquet"
    with table.io.new_output(location).create() as stream, pq.ParquetWriter(stream, schema) as writer:
        for file in files:
            path = file.file_path.removeprefix(prefix)
            rows = ds.dataset([path], schema=schema, format="parquet", filesystem=filesystem)
            for batch in rows.to_batches():
                writer.write_batch(batch)
    return location


def merge_manifests(store: Store, name: str) -> int:
    """Merge a table's manifests where they are many; returns how many there are less.

    A commit that replaces rows leaves its manifest beside the others for good, and whoever plans a read opens them all.
    """
    for attempt in attempts_after_conflicts():
        with attempt:
            table = store.table(name)
            before = _manifests(table)
            if before < MANY_MANIFESTS:
                return 0
            with table.transaction() as transaction, transaction.update_snapshot().merge_append():
                pass  # an append of nothing: it merges what is there
    return before - _manifests(store.table(name))


def _manifests(table: Table) -> int:
    latest = table.current_snapshot()
    return len(latest.manifests(table.io)) if latest else 0
