"""Commits: new files in place of old ones in one snapshot, and how many snapshots are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from conf.errors import StoreError

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.io import FileIO
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table, Transaction
    from tenacity import Retrying

SECONDS_TO_WAIT = 120.0
"""For other processes that commit to the same table: of those that try at one moment, one gets through each time."""


def attempts_after_conflicts() -> Retrying:
    """Tries a commit again, from loading the table on, where another process was faster.

    Also where PyIceberg did not find the files that were to go, and so committed nothing: it looks for them in several
    threads that share what they compare with, and now and then, with many manifests, one of them overlooks a file.
    """
    from pyiceberg.exceptions import CommitFailedException, ValidationException
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

    return Retrying(
        retry=retry_if_exception_type((CommitFailedException, ValidationException)),
        stop=stop_after_delay(SECONDS_TO_WAIT),
        wait=wait_random_exponential(multiplier=0.05, max=2),
        reraise=True,
    )


def committed(load: Callable[[], Table], where: BooleanExpression, files: Sequence[str]) -> Table:
    """The table with `files` in place of those under `where`; tried again where another process was faster.

    Raises:
        StoreError: the filter cuts through files.
    """
    for attempt in attempts_after_conflicts():
        with attempt:
            table = load()
            _swap(table, where, files)
    return table


def _swap(table: Table, where: BooleanExpression, files: Sequence[str]) -> None:
    """Put new files in place of those under `where`, in one snapshot: no reader sees one change without the other.

    The commit holds only for the snapshot that the old files were looked up in; else it fails, and nothing is changed.
    """
    from pyiceberg.expressions import AlwaysTrue

    old = list(table.scan(row_filter=where).plan_files())
    if any(task.residual != AlwaysTrue() for task in old):
        raise StoreError(f"{table.name()}: {where} cuts through files; a write replaces whole partitions only.")
    changed(table, [task.file for task in old], files)


def changed(
    table: Table, gone: Sequence[DataFile], come: Sequence[str] = (), properties: Mapping[str, str] | None = None
) -> None:
    """Take files out of a table, put new ones in and set properties, in one commit; nothing where no file changes."""
    if not gone and not come:
        return
    with table.transaction() as transaction:
        if properties:
            transaction.set_properties(dict(properties))
        exchange(transaction, table.io, gone, come)


def exchange(transaction: Transaction, io: FileIO, gone: Sequence[DataFile], come: Sequence[str]) -> None:
    """Take files out and put new ones in, as part of a transaction; the partitions of new ones are read from them."""
    from pyiceberg.io.pyarrow import parquet_file_to_data_file

    from jobs.store.overwrites import Overwrite

    new = [parquet_file_to_data_file(io, transaction.table_metadata, file) for file in come]
    with Overwrite(transaction) if gone else transaction.update_snapshot().merge_append() as change:
        for file in gone:
            change.delete_data_file(file)
        for file in new:
            change.append_data_file(file)


def bytes_added(table: Table) -> int:
    """The size of the files that the table's latest snapshot brought."""
    latest = table.current_snapshot()
    return int((latest.summary or {}).get("added-files-size") or 0) if latest else 0


def exchanged(load: Callable[[], Table], old: Sequence[str], new: Sequence[str]) -> bool:
    """Put new files in place of old ones that hold the same rows, in one snapshot.

    False, and nothing changed, where one of the old files is no longer part of the table: somebody else has written its
    partition meanwhile.
    """
    for attempt in attempts_after_conflicts():
        with attempt:
            table = load()
            present = {task.file.file_path: task.file for task in table.scan().plan_files()}
            if not present.keys() >= set(old):
                return False
            changed(table, [present[path] for path in old], new)
    return True


def removed(load: Callable[[], Table], where: BooleanExpression, properties: Mapping[str, str]) -> int:
    """Take the rows under `where` out of the latest snapshot and set properties, in one commit; returns their files."""
    for attempt in attempts_after_conflicts():
        with attempt:
            table = load()
            old = [task.file for task in table.scan(row_filter=where).plan_files()]
            changed(table, old, properties=properties)
    return len(old)


def forget_surplus(table: Table, keep: int, needed: Callable[[], Collection[int]]) -> None:
    """Forget the oldest snapshots once a table has twice as many as it is to keep, but none that is needed.

    Every commit copies the list of snapshots several times, so without this its cost would grow with history.
    """
    from pyiceberg.exceptions import CommitFailedException

    snapshots = sorted(table.snapshots(), key=lambda snapshot: snapshot.timestamp_ms)
    if len(snapshots) < 2 * keep:
        return
    kept = {*needed(), *(snapshot.snapshot_id for snapshot in snapshots[-keep:])}
    try:
        forget(table, [snapshot.snapshot_id for snapshot in snapshots if snapshot.snapshot_id not in kept])
    except CommitFailedException:  # another process committed meanwhile: the next commit will see to it
        return


def forget(table: Table, snapshots: Sequence[int]) -> None:
    """Take snapshots out of a table's metadata. Their files stay until orphans are removed."""
    if snapshots:
        table.maintenance.expire_snapshots().by_ids(list(snapshots)).commit()


def written(table: Table, folder: str) -> tuple[list[str], int]:
    """The Parquet files below a folder that hold rows, and how many rows they hold."""
    import pyarrow.parquet as pq
    from pyarrow import fs

    filesystem, base = fs.FileSystem.from_uri(folder)
    scheme = folder.split("://")[0] + "://" if "://" in folder else ""
    files, count = [], 0
    for info in filesystem.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True)):
        if info.type == fs.FileType.File and info.base_name.endswith(".parquet"):
            rows = pq.read_metadata(info.path, filesystem=filesystem).num_rows
            if rows:
                files.append(f"{scheme}{info.path}")
                count += rows
    return sorted(files), count


def dropped(load: Callable[[], Table], files: Collection[str]) -> Table:
    """The table without some of its files, which need not be there or readable; the rest stays as it is."""
    for attempt in attempts_after_conflicts():
        with attempt:
            table = load()
            changed(table, [task.file for task in table.scan().plan_files() if task.file.file_path in files])
    return table
