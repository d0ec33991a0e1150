"""A home with a long past: one of its nights copied to the days before, in every table, as nights leave it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench.training.data import FIRST

if TYPE_CHECKING:
    import pyarrow as pa

    from jobs.store.tables import Store

COPIED = FIRST + timedelta(days=1)
"""The night that is copied: not the first, and its labels are final when the nights that are run have been."""
REACHED, MOST_ROWS = 35, 1_000
"""No window reaches further back than so many days: of earlier ones a night reads no rows but those of small tables, so
that no more are copied."""
ONCE = ("trainings", "promotions")
"""Tables that a night without training adds nothing to."""


def add_days_before(home: Path, days: int) -> None:
    """Give a home so many days before the first night, each a copy of one that was run."""
    from jobs.workspace import open_workspace

    store = open_workspace(home=home).store
    for name in store.made():
        if name not in ONCE:
            add_past(store, name, days)


def add_past(store: Store, name: str, days: int) -> None:
    """Copy a night's rows of a table to each of the days before the first, in one commit."""
    import pyarrow as pa
    from pyiceberg.expressions import AlwaysFalse, EqualTo

    from jobs.store.commits import committed
    from jobs.store.row_files import written_rows

    spec = store.specs[name]
    rows = store.arrow(name, EqualTo(spec.partition[0], COPIED))
    if not rows.num_rows:
        return
    past = (_copy(rows, back) for back in range(1, days + 1))
    if spec.monthly:
        store.replace_rows(name, AlwaysFalse(), pa.concat_tables(past).to_pylist())
    else:
        files = [file for day in past for file in written_rows(store.table(name), spec, day)]
        committed(lambda: store.table(name), AlwaysFalse(), files)


def _copy(rows: pa.Table, back: int) -> pa.Table:
    """The rows as those of the day so many days before the first."""
    kept = rows if back <= REACHED else rows.slice(0, MOST_ROWS)
    return shifted(kept, (COPIED - FIRST).days + back)


def shifted(rows: pa.Table, days: int) -> pa.Table:
    """The rows with every date and time so many days earlier."""
    import pyarrow as pa
    import pyarrow.compute as pc

    earlier = {pa.date32(): (pa.int32(), days), pa.timestamp("us", tz="UTC"): (pa.int64(), days * 86_400_000_000)}
    for position, field in enumerate(rows.schema):
        if field.type in earlier:
            plain, by = earlier[field.type]
            moved = pc.subtract(rows[field.name].cast(plain), pa.scalar(by, plain)).cast(field.type)
            rows = rows.set_column(position, field, moved)
    return rows
