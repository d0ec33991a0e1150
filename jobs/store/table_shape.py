"""The shape of a table: made as the data set's description asks for, widened later, never changed otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conf.errors import StoreError
from jobs.store.commits import attempts_after_conflicts
from jobs.store.month_files import brought_to_months
from jobs.store.schemas import MONTH, TableSpec
from jobs.store.versions import PROPERTY, SCHEMA_VERSION, require_known, version_of_table

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

TABLE_PROPERTIES = {
    # Old metadata files would otherwise grow by one a commit for ever; snapshots stay until they are expired.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    # pyiceberg's own retries put the new files beside those of another process that wrote the same day meanwhile.
    "commit.retry.num-retries": "0",
    PROPERTY: str(SCHEMA_VERSION),
}


def make_table(catalog: Catalog, namespace: str, spec: TableSpec) -> None:
    """Make a table that is missing; give one that was made earlier the properties and columns that have come since.

    Raises:
        StoreError: newer code made it, or it has other types or partitions than are asked for; nothing was changed.
    """
    from pyiceberg.exceptions import TableAlreadyExistsError

    from jobs.store.types import iceberg_partition, iceberg_schema

    identifier = (namespace, spec.name)
    if not catalog.table_exists(identifier):
        schema = iceberg_schema(spec.columns)
        # The engine's files carry no field ids: columns are found by name.
        names = {"schema.name-mapping.default": schema.name_mapping.model_dump_json()}
        try:
            catalog.create_table(
                identifier, schema, partition_spec=iceberg_partition(spec), properties=TABLE_PROPERTIES | names
            )
            return
        except TableAlreadyExistsError:
            pass  # another process made it a moment ago
    for attempt in attempts_after_conflicts():
        with attempt:
            _bring_up_to_date(catalog.load_table(identifier), spec)


def _bring_up_to_date(table: Table, spec: TableSpec) -> None:
    """Give a table the properties and columns that it lacks, if it is of a version and shape that fit."""
    from jobs.store.types import iceberg_type

    require_known(version_of_table(table.properties), f"Table {spec.name}")
    _require_same_shape(table, spec)
    missing = [name for name in spec.columns if name not in table.schema().column_names]
    if missing or not TABLE_PROPERTIES.items() <= table.properties.items():
        with table.transaction() as transaction:
            transaction.set_properties(TABLE_PROPERTIES)
            with transaction.update_schema() as update:
                for name in missing:
                    update.add_column(name, iceberg_type(spec.columns[name]))
    if spec.monthly and _parts(table) != (MONTH,):
        brought_to_months(table, spec)


def _require_same_shape(table: Table, spec: TableSpec) -> None:
    """Refuse a table whose columns or partitions are others than the description asks for: files hold what they hold.

    Raises:
        StoreError: they are.
    """
    from jobs.store.types import iceberg_type

    advice = (
        "Give the column another name in the data set's description, or replay the landing files into an empty home."
    )
    for column in table.schema().fields:
        wanted = iceberg_type(spec.columns[column.name]) if column.name in spec.columns else column.field_type
        if column.field_type != wanted:
            raise StoreError(
                f"Table {spec.name}: column `{column.name}` holds {column.field_type}, and {wanted} is asked for. "
                f"A column keeps its type. {advice}"
            )
    parts = _parts(table)
    if parts != spec.partition and not (spec.monthly and parts == (MONTH,)):
        raise StoreError(
            f"Table {spec.name} is partitioned by {', '.join(parts)}, not by {', '.join(spec.partition)} as this code "
            "writes it. Replay the landing files into an empty home."
        )


def _parts(table: Table) -> tuple[str, ...]:
    """The names of a table's partition fields."""
    return tuple(part.name for part in table.spec().fields)
