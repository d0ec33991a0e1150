"""Tables of few rows a night: their files hold a month each, and a write makes the files of its months anew.

A file for each night would come to thousands in a few years, and every reader opens them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jobs.store.commits import attempts_after_conflicts, changed, exchange
from jobs.store.row_files import partition_of, written_rows
from jobs.store.schemas import MONTH, TableSpec
from jobs.store.table_files import filesystem_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

Noted = Callable[[Sequence[str]], None]
"""Is told of new files before they are committed."""


def rewritten(
    load: Callable[[], Table], spec: TableSpec, where: BooleanExpression, rows: pa.Table, noted: Noted
) -> Table:
    """The table with `rows` in place of those under `where`; tried again where another process was faster."""
    import pyarrow as pa

    for attempt in attempts_after_conflicts():
        with attempt:
            table = load()
            old = _concerned(table, where, _months(rows, spec))
            kept = _rows_left(table, spec, old, where)
            new = written_rows(table, spec, pa.concat_tables([kept, rows]))
            noted(new)
            changed(table, old, new)
    return table


def brought_to_months(table: Table, spec: TableSpec) -> None:
    """Give a table whose files held a night each the files of a monthly one, in one commit; its rows stay."""
    from pyiceberg.expressions import AlwaysFalse
    from pyiceberg.transforms import MonthTransform

    old = [task.file for task in table.scan().plan_files()]
    with table.transaction() as transaction:
        with transaction.update_spec() as change:
            for field in table.spec().fields:
                change.remove_field(field.name)
            change.add_field(spec.partition[0], MonthTransform(), MONTH)
        exchange(transaction, table.io, old, written_rows(table, spec, _rows_left(table, spec, old, AlwaysFalse())))


def _concerned(table: Table, where: BooleanExpression, months: set[int]) -> list[DataFile]:
    """The files that may hold rows under `where`, and those of some months: rows that come belong beside theirs."""
    chosen = {task.file.file_path for task in table.scan(row_filter=where).plan_files()}
    files = [task.file for task in table.scan().plan_files()]
    return [file for file in files if file.file_path in chosen or file.partition[0] in months]


def _rows_left(table: Table, spec: TableSpec, files: Sequence[DataFile], where: BooleanExpression) -> pa.Table:
    """The rows of some files that are not under `where`."""
    import pyarrow.dataset as ds
    from pyiceberg.expressions.visitors import bind
    from pyiceberg.io.pyarrow import expression_to_pyarrow

    from jobs.store.types import arrow_schema

    schema = arrow_schema(spec.columns)
    if not files:
        return schema.empty_table()
    filesystem, prefix = filesystem_of(table)
    paths = [file.file_path.removeprefix(prefix) for file in files]
    under = expression_to_pyarrow(bind(table.schema(), where, case_sensitive=True), table.schema())
    return ds.dataset(paths, schema=schema, format="parquet", filesystem=filesystem).to_table(filter=~under)


def _months(rows: pa.Table, spec: TableSpec) -> set[int]:
    return {month for (month,) in partition_of(rows, spec)}
