"""What partitions hold: digests of their rows, whatever the order of the rows and their spread over files.

Data files never change and their names are never used again, so the digest of a set of files is worked out once and
kept. Losing what was kept costs time, never a wrong answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.store.addresses import readable
from jobs.store.kept_database import kept_database
from jobs.store.spans import Span, between
from jobs.store.tables import EPOCH, Store

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.partitioning import PartitionField
    from pyiceberg.table import Table
    from pyiceberg.typedef import Record
    from pyspark.sql import Column, DataFrame, SparkSession

MODULUS = 2**64
DECIMALS = 9
"""Of doubles that count in a partition: sums of doubles depend on the order of rows in the digits after those."""
MAKE_TABLE = "CREATE TABLE IF NOT EXISTS contents (files TEXT PRIMARY KEY, rows INTEGER, hashes TEXT)"


@dataclass(frozen=True)
class Content:
    """Number of rows and the sum of their hashes: adding two contents gives the content of both together."""

    rows: int
    hashes: int

    def __add__(self, other: Content) -> Content:
        return Content(self.rows + other.rows, (self.hashes + other.hashes) % MODULUS)

    def __str__(self) -> str:
        return f"{self.rows}:{self.hashes:016x}"


EMPTY = Content(0, 0)


@dataclass(frozen=True)
class Partition:
    """One value of a table's partition columns at one snapshot, and the files that hold its rows."""

    values: tuple[Any, ...]
    files: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names the set of files."""
        return hashlib.sha256("\n".join(sorted(self.files)).encode()).hexdigest()


@dataclass
class Contents:
    """Content of a store's partitions. `kept` is the SQLite file in which digests are kept."""

    store: Store
    engine: Callable[[], SparkSession]
    kept: Path
    _listed: dict[tuple[str, Span | None], tuple[int | None, tuple[Partition, ...]]] = field(default_factory=dict)

    def partitions(self, table: str, within: Span | None = None) -> tuple[Partition, ...]:
        """The partitions of a table's latest snapshot: all, or those whose days all lie within a span.

        With a span, the cost does not grow with the table.
        """
        if not self.store.exists(table):
            return ()
        found, wanted = self.store.table(table), (table, within)
        latest = found.current_snapshot()
        snapshot = latest.snapshot_id if latest else None
        if wanted not in self._listed or self._listed[wanted][0] != snapshot:
            self._listed[wanted] = (snapshot, self._list(found, table, within) if snapshot else ())
        return self._listed[wanted][1]

    def _list(self, found: Table, table: str, within: Span | None) -> tuple[Partition, ...]:
        from pyiceberg.expressions import AlwaysTrue, And

        columns = self.store.specs[table].columns
        names = self.store.specs[table].partition
        inside: BooleanExpression = AlwaysTrue()
        first, last = within or (date.min, date.max)
        for name in [name for name in names if within and columns[name] == "date"]:
            inside = And(inside, between(first, last, name))
        files: dict[tuple[Any, ...], list[str]] = {}
        for task in found.scan(row_filter=inside).plan_files():
            files.setdefault(partition_values(found, task.file.partition), []).append(task.file.file_path)
        return tuple(Partition(values, tuple(names)) for values, names in sorted(files.items(), key=str))

    def of(self, table: str, partitions: Sequence[Partition]) -> dict[Partition, Content]:
        """The content of some partitions of a table."""
        known = self._remembered(partitions)
        fresh = [part for part in partitions if part not in known]
        if fresh:
            found = self._measured(table, fresh)
            self._remember(found)
            known |= found
        return known

    def _measured(self, table: str, partitions: Sequence[Partition]) -> dict[Partition, Content]:
        from jobs.store.types import spark_schema

        spec = self.store.specs[table]
        files = [readable(file) for part in partitions for file in part.files]
        rows = self.engine().read.schema(spark_schema(spec.columns)).parquet(*files)
        found = contents_by(rows, spec.partition, DECIMALS)
        return {part: found.get(part.values, EMPTY) for part in partitions}

    def _remembered(self, partitions: Sequence[Partition]) -> dict[Partition, Content]:
        by_key = {part.key: part for part in partitions}
        if not by_key or not self.kept.is_file():
            return {}
        with kept_database(self.kept, MAKE_TABLE) as connection:
            marks = ",".join("?" * len(by_key))
            found = connection.execute(f"SELECT files, rows, hashes FROM contents WHERE files IN ({marks})", [*by_key])
            return {by_key[key]: Content(rows, int(hashes, 16)) for key, rows, hashes in found}

    def _remember(self, found: Mapping[Partition, Content]) -> None:
        rows = [(part.key, content.rows, f"{content.hashes:016x}") for part, content in found.items()]
        with kept_database(self.kept, MAKE_TABLE) as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", rows)

    def forget_gone(self) -> int:
        """Forget digests of files that no table shows any more; returns how many."""
        if not self.kept.is_file():
            return 0
        shown = [(part.key,) for name in self.store.specs for part in self.partitions(name)]
        with kept_database(self.kept, MAKE_TABLE) as connection:
            with connection:
                connection.execute("CREATE TEMP TABLE shown (files TEXT PRIMARY KEY)")
                connection.executemany("INSERT OR IGNORE INTO shown VALUES (?)", shown)
                gone = connection.execute("DELETE FROM contents WHERE files NOT IN (SELECT files FROM shown)").rowcount
            if gone:
                connection.execute("VACUUM")
        return int(gone)


def row_hash(rows: DataFrame, decimals: int | None) -> Column:
    """A 64-bit hash of a row that knows which column holds which value; a column of nulls alone does not count."""
    from pyspark.sql import functions as F

    named = []
    for name, kind in sorted(rows.dtypes):
        value = F.col(name)
        if decimals is not None and kind == "double":
            value = F.round(value, decimals)
        # xxhash64 leaves nulls out, so a value would hash alike in one column or in the next without its name.
        named += [F.when(value.isNotNull(), F.lit(name)), value]
    return F.xxhash64(*named)


def contents_by(rows: DataFrame, by: Sequence[str] = (), decimals: int | None = None) -> dict[tuple[Any, ...], Content]:
    """The content of a DataFrame's rows for each value of some columns, all columns counting."""
    from pyspark.sql import functions as F

    hashed = rows.select(*by, row_hash(rows, decimals).cast("decimal(20,0)").alias("_hash"))
    summed = hashed.groupBy(*by).agg(F.count(F.lit(1)).alias("_rows"), F.sum("_hash").alias("_hashes"))
    return {
        tuple(row[name] for name in by): Content(int(row["_rows"]), int(row["_hashes"] or 0) % MODULUS)
        for row in summed.collect()
    }


def partition_values(table: Table, partition: Record) -> tuple[Any, ...]:
    """A file's partition as the engine tells it: Iceberg keeps a day as a number, and a month, here its first day."""
    return tuple(_partition_value(table, field, partition[place]) for place, field in enumerate(table.spec().fields))


def _partition_value(table: Table, field: PartitionField, value: Any) -> Any:
    from pyiceberg.transforms import MonthTransform
    from pyiceberg.types import DateType

    if isinstance(field.transform, MonthTransform):
        return date(EPOCH.year + value // 12, value % 12 + 1, 1)
    of_days = isinstance(table.schema().find_type(field.source_id), DateType)
    return EPOCH + timedelta(days=value) if of_days and isinstance(value, int) else value
