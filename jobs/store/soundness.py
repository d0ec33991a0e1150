"""Whether tables are what their catalog says: metadata, manifests and data files, named where one is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.error_words import first_line
from conf.file_digests import sha256_of
from jobs.store.addresses import local_path
from jobs.store.checksums import Checksums
from jobs.store.contents import partition_values
from jobs.store.schemas import MONTH

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a table: in a data file of some partition, or (without `values`) in all of it."""

    table: str
    file: str
    told: str
    values: tuple[Any, ...] | None = None
    monthly: bool = False

    @property
    def when(self) -> str:
        """The damaged day as `2026-01-31`, or month as `2026-01`; empty where it is all of the table."""
        if not self.values:
            return ""
        return f"{self.values[0]:%Y-%m}" if self.monthly else str(self.values[0])


def faults(
    catalog: Catalog, namespace: str, tables: Sequence[str], checksums: Checksums, *, deep: bool
) -> Iterator[Fault]:
    """What is wrong with the latest snapshots of some tables.

    Data files have to be there, of the size and number of rows that the manifests say. With `deep` they are read whole:
    against the checksum of when they were committed where it is known, and every column besides.
    """
    for name in tables:
        yield from _faults_of_table(catalog, namespace, name, checksums, deep=deep)


def _faults_of_table(
    catalog: Catalog, namespace: str, name: str, checksums: Checksums, *, deep: bool
) -> Iterator[Fault]:
    try:
        table = catalog.load_table((namespace, name))
    except Exception as error:  # of JSON, Avro, Arrow or the file system: a damaged file may lead to any
        yield Fault(name, _named_in(error), f"its metadata cannot be read: {first_line(error)}")
        return
    try:
        found = [task.file for task in table.scan().plan_files()]
    except Exception as error:
        yield Fault(name, _named_in(error) or table.metadata_location, f"cannot be listed: {first_line(error)}")
        return
    known = checksums.of([file.file_path for file in found]) if deep else {}
    for file in found:
        told = _fault_of_file(table, file, known.get(file.file_path), deep=deep)
        if told:
            yield Fault(name, file.file_path, told, partition_values(table, file.partition), _is_monthly(table))


def _fault_of_file(table: Table, file: DataFile, checksum: str | None, *, deep: bool) -> str:
    """What is wrong with a data file; empty where nothing is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        size = len(table.io.new_input(file.file_path))
    except OSError as error:
        return "is gone" if isinstance(error, FileNotFoundError) else f"cannot be read: {first_line(error)}"
    if size != file.file_size_in_bytes:
        return f"has {size:,} bytes instead of {file.file_size_in_bytes:,}"
    path = local_path(file.file_path)
    if checksum and path and sha256_of(Path(path)) != checksum:
        return "was changed after it was committed: its SHA-256 is another"
    try:
        with table.io.new_input(file.file_path).open() as stream:
            parquet = pq.ParquetFile(stream)
            rows = parquet.metadata.num_rows
            if deep:
                parquet.read().validate(full=True)
    except (pa.ArrowException, OSError) as error:
        return f"cannot be read as Parquet: {first_line(error)}"
    return "" if rows == file.record_count else f"has {rows:,} rows instead of {file.record_count:,}"


def _is_monthly(table: Table) -> bool:
    return [field.name for field in table.spec().fields] == [MONTH]


def _named_in(error: Exception) -> str:
    """The file that an error is about, where it names one."""
    return str(getattr(error, "filename", None) or "")
