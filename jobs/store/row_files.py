"""Few rows, written into files as a table's partitioning asks for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jobs.store.schemas import TableSpec

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import Table


def written_rows(table: Table, spec: TableSpec, rows: pa.Table) -> list[str]:
    """New files that hold the rows, one for each value of the partition. Named by no snapshot yet."""
    import pyarrow.parquet as pq

    ordered = rows.sort_by([(name, "ascending") for name in spec.partition])
    chosen: dict[tuple[Any, ...], list[int]] = {}
    for position, values in enumerate(partition_of(ordered, spec)):
        chosen.setdefault(values, []).append(position)
    files = []
    for positions in chosen.values():
        location = f"{table.location()}/data/{uuid.uuid4().hex}.parquet"
        with table.io.new_output(location).create() as stream:
            pq.write_table(ordered.take(positions), stream)
        files.append(location)
    return files


def partition_of(rows: pa.Table, spec: TableSpec) -> Iterator[tuple[Any, ...]]:
    """The partition of each row: its values, or its month as Iceberg counts them, from January 1970 on."""
    if spec.monthly:
        for day in rows[spec.partition[0]].to_pylist():
            yield ((day.year - 1970) * 12 + day.month - 1,)
    else:
        yield from zip(*(rows[name].to_pylist() for name in spec.partition), strict=True)
