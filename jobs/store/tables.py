"""Tables of one data set in an Iceberg catalog. A write replaces the rows that a filter names, in one commit."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.dataset import Dataset
from conf.error_words import first_line
from conf.errors import StoreError
from conf.secret_values import without_secrets
from jobs.store.addresses import readable
from jobs.store.catalog import advice_for, opened, require_catalog_of
from jobs.store.checksums import Checksums
from jobs.store.commits import bytes_added, committed, forget_surplus, written
from jobs.store.meter import Meter
from jobs.store.month_files import rewritten
from jobs.store.row_files import written_rows
from jobs.store.schemas import TableSpec, specs
from jobs.store.table_files import scanned
from jobs.store.table_shape import make_table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table
    from pyspark.sql import DataFrame, SparkSession

DAYS_LOOKED_BACK = (8, 64, 1_000, 100_000)
EPOCH = date(1970, 1, 1)
"""Iceberg keeps a day as the number of days since then."""


@dataclass(frozen=True)
class TableSummary:
    """What `ctr status` tells of a table."""

    table: str
    rows: int
    latest_day: date | None
    snapshot: str | None


@dataclass
class Store:
    """Reads and writes a data set's tables. Filters may name partition columns alone: they choose whole files."""

    catalog: Catalog
    namespace: str
    specs: Mapping[str, TableSpec]
    keep_snapshots: int = 20
    meter: Meter = field(default_factory=Meter)
    checksums: Checksums | None = None
    _seen: dict[str, Table] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        *,
        namespace: str,
        uri: str,
        warehouse: str,
        properties: Mapping[str, str],
        dataset: Dataset,
        keep_snapshots: int = 20,
        checksums: Checksums | None = None,
    ) -> Store:
        """Open the catalog, making it and the namespace where they are missing.

        Raises:
            StoreError: the catalog cannot be opened or read, or it is gone while tables are there.
        """
        from sqlalchemy.exc import SQLAlchemyError

        if uri.startswith("sqlite:///"):
            file = Path(uri.removeprefix("sqlite:///"))
            require_catalog_of(file, warehouse)
            file.parent.mkdir(parents=True, exist_ok=True)
        try:
            catalog = opened(uri, warehouse, properties, namespace)
        except ImportError as error:
            raise StoreError(
                f"The catalog {without_secrets(uri)} needs the package `{error.name}`. "
                "Install what a PostgreSQL catalog needs: pip install 'ctr-pipeline[prod]'."
            ) from error
        except (SQLAlchemyError, OSError) as error:
            reason = first_line(getattr(error, "orig", error))
            raise StoreError(
                f"The catalog {without_secrets(uri)} cannot be opened: {reason}. "
                f"{advice_for(reason)} Tables were not touched."
            ) from error
        return cls(catalog, namespace, specs(dataset), keep_snapshots, checksums=checksums)

    def table(self, name: str) -> Table:
        """The Iceberg table, made or widened to the schema that the data set's description asks for."""
        spec = self.specs.get(name)
        if spec is None:
            raise StoreError(f"There is no table `{name}`. Known: {', '.join(self.specs)}.")
        if name not in self._seen:
            make_table(self.catalog, self.namespace, spec)
        self._seen[name] = self.catalog.load_table((self.namespace, name))
        return self._seen[name]

    def told(self, name: str, key: str) -> str:
        """A property of a table as this process saw it last; empty where it has none."""
        if not self.exists(name):
            return ""
        return str((self._seen.get(name) or self.table(name)).properties.get(key, ""))

    def exists(self, name: str) -> bool:
        """Whether the table has been made yet."""
        return name in self._seen or self.catalog.table_exists((self.namespace, name))

    def made(self) -> list[str]:
        """The names of the tables that have been made, in the order of their specifications."""
        return [name for name in self.specs if self.exists(name)]

    def files(self, name: str, where: BooleanExpression | None = None, snapshot: int | None = None) -> list[str]:
        """The Parquet files that hold the chosen rows, at the latest or a named snapshot."""
        from pyiceberg.expressions import AlwaysTrue

        if not self.exists(name):
            return []
        scan = self.table(name).scan(row_filter=where or AlwaysTrue(), snapshot_id=snapshot)
        found = [task.file for task in scan.plan_files()]
        for file in found:
            self.meter.reads(file.file_path, file.record_count)
        return sorted(file.file_path for file in found)

    def read(
        self, spark: SparkSession, name: str, where: BooleanExpression | None = None, snapshot: int | None = None
    ) -> DataFrame:
        """The chosen rows as a DataFrame of the engine, with all the table's columns."""
        from jobs.store.types import spark_schema

        schema = spark_schema(self.specs[name].columns)
        files = self.files(name, where, snapshot)
        if not files:
            return spark.createDataFrame([], schema)
        return spark.read.schema(schema).parquet(*map(readable, files))

    def arrow(
        self,
        name: str,
        where: BooleanExpression | None = None,
        columns: Sequence[str] = ("*",),
        snapshot: int | None = None,
    ) -> pa.Table:
        """The chosen rows as an Arrow table: for small tables, and for people."""
        from pyiceberg.expressions import AlwaysTrue

        from jobs.store.types import ARROW_TYPES, arrow_schema

        if not self.exists(name):
            return arrow_schema(self.specs[name].columns).empty_table()
        table = self.table(name)
        if snapshot is None:
            kinds = self.specs[name].columns
            return scanned(
                table, where or AlwaysTrue(), columns, {key: ARROW_TYPES[kind] for key, kind in kinds.items()}
            )
        return table.scan(
            row_filter=where or AlwaysTrue(), selected_fields=tuple(columns), snapshot_id=snapshot
        ).to_arrow()

    def rows(self, name: str, where: BooleanExpression | None = None) -> list[dict[str, Any]]:
        """The chosen rows as dictionaries: for tables of few rows."""
        return self.arrow(name, where).to_pylist()

    def replace(self, name: str, where: BooleanExpression, *parts: DataFrame) -> int:
        """Write rows with the engine, part by part, and put them in place of the rows under `where`, in one commit.

        `where` must cover whole partition values. Returns the number of rows written.

        Raises:
            ValueError: a part for a `spread` table is of several partitions; nothing is committed.
        """
        written_parts = [self._written(name, rows) for rows in parts]
        self._commit(name, where, [file for files, _ in written_parts for file in files])
        return sum(count for _, count in written_parts)

    def _written(self, name: str, rows: DataFrame) -> tuple[list[str], int]:
        """New files of a table that hold the rows, named by no snapshot yet, and the number of rows."""
        from pyspark.sql import functions as F

        from jobs.store.types import SPARK_TYPES

        spec = self.specs[name]
        table = self._seen.get(name) or self.table(name)  # where it lies and how it is read never changes
        folder = f"{table.location()}/data/{uuid.uuid4().hex}"
        columns = [F.col(column).cast(SPARK_TYPES[kind]).alias(column) for column, kind in spec.columns.items()]
        if spec.spread:
            rows.select(*columns).write.parquet(readable(folder))
        else:
            # The partition column must stay inside the files, and partitionBy takes its columns out: hand it a copy.
            copy = F.col(spec.partition[0]).alias("_partition")
            rows.select(*columns, copy).write.partitionBy("_partition").parquet(readable(folder))
        return written(table, folder)

    def _commit(self, name: str, where: BooleanExpression, files: Sequence[str]) -> None:
        self._noted(files)
        self._committed(name, committed(lambda: self.table(name), where, files), bool(files))

    def _noted(self, files: Sequence[str]) -> None:
        """Force new files to disk and keep their checksums, before a commit names them."""
        from jobs.store.durable_files import forced

        forced(files)
        if self.checksums:
            self.checksums.keep(files)

    def _committed(self, name: str, table: Table, any_rows: bool) -> None:
        """What follows a commit: its bytes are counted, and surplus snapshots forgotten."""
        if any_rows:
            self.meter.writes(bytes_added(table))
        forget_surplus(table, self.keep_snapshots, lambda: self.needed_snapshots(name))

    def needed_snapshots(self, name: str) -> set[int]:
        """Snapshots of a table that models were trained on which are kept."""
        if name != "training_examples":
            return set()
        kept = [row["snapshot"] for row in self.rows("trainings") if not row["removed"]]
        return {snapshot for snapshot in kept if snapshot is not None}

    def replace_rows(self, name: str, where: BooleanExpression, rows: Sequence[Mapping[str, Any]]) -> int:
        """Put a few rows, given as dictionaries, in place of the rows under `where`, in one commit."""
        import pyarrow as pa

        from jobs.store.types import arrow_schema

        spec = self.specs[name]
        come = pa.Table.from_pylist(list(map(dict, rows)), schema=arrow_schema(spec.columns))
        if spec.monthly:
            self._committed(name, rewritten(lambda: self.table(name), spec, where, come, self._noted), bool(rows))
        else:
            self._commit(name, where, written_rows(self._seen.get(name) or self.table(name), spec, come))
        return len(rows)

    def snapshot(self, name: str) -> int | None:
        """The id of the table's latest snapshot, None while it is empty."""
        if not self.exists(name):
            return None
        latest = self.table(name).current_snapshot()
        return latest.snapshot_id if latest else None

    def days(self, name: str, where: BooleanExpression | None = None) -> list[date]:
        """The days that a table holds rows of, in order; with a filter at a cost that does not grow with the table."""
        from pyiceberg.expressions import AlwaysTrue

        if not self.exists(name):
            return []
        if self.specs[name].monthly:
            day = self.specs[name].partition[0]
            return sorted(set(self.arrow(name, where, columns=(day,))[day].to_pylist()))
        tasks = self.table(name).scan(row_filter=where or AlwaysTrue()).plan_files()
        found = {task.file.partition[0] for task in tasks}
        return sorted(EPOCH + timedelta(days=number) for number in found if number is not None)

    def latest_day(self, name: str, before: date) -> date | None:
        """The latest day before another that a table holds rows of, which mostly is not far back."""
        from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

        for back in DAYS_LOOKED_BACK:
            since = max(EPOCH, before - timedelta(days=back))
            days = self.days(name, And(GreaterThanOrEqual("dt", since), LessThan("dt", before)))
            if days or since == EPOCH:
                return days[-1] if days else None
        return None

    def summary(self, name: str) -> TableSummary:
        """Rows, latest day and snapshot, from the table's metadata alone."""
        if not self.exists(name):
            return TableSummary(name, 0, None, None)
        latest = self.table(name).current_snapshot()
        if latest is None:
            return TableSummary(name, 0, None, None)
        total = latest.summary.additional_properties.get("total-records", "0") if latest.summary else "0"
        days = self.days(name)
        return TableSummary(name, int(total), days[-1] if days else None, str(latest.snapshot_id))
