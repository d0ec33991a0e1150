"""Reading tables: what there is, and rows of any of them at any snapshot."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from conf.errors import SettingsError
from jobs.landing.landed import ALWAYS
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.table import Table


@dataclass(frozen=True)
class TableFacts:
    """One table at its latest snapshot. Days are those of its first partition column; `bytes` are of its data files."""

    table: str
    row: str
    partition: tuple[str, ...]
    rows: int
    days: int
    first_day: date | None
    last_day: date | None
    files: int
    bytes: int
    snapshot: int | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`; the snapshot as text, for it is too long for many readers' numbers."""
        texts = {name: _text(getattr(self, name)) for name in ("first_day", "last_day", "snapshot")}
        return asdict(self) | texts | {"partition": list(self.partition)}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def tables(workspace: Workspace) -> list[TableFacts]:
    """Every table of the data set, those not written yet too; nothing but the records is read for it."""
    return [_facts(workspace, name) for name in workspace.store.specs]


def _facts(workspace: Workspace, name: str) -> TableFacts:
    spec, store = workspace.store.specs[name], workspace.store
    snapshot = store.snapshot(name)
    files = [task.file for task in store.table(name).scan().plan_files()] if snapshot else []
    days = [day for day in store.days(name) if day != ALWAYS]
    return TableFacts(
        table=name,
        row=spec.row,
        partition=spec.partition,
        rows=sum(file.record_count for file in files),
        days=len(days),
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        files=len(files),
        bytes=sum(file.file_size_in_bytes for file in files),
        snapshot=snapshot,
    )


def rows(
    workspace: Workspace,
    name: str,
    *,
    day: date | None = None,
    columns: Sequence[str] = (),
    limit: int | None = None,
    snapshot: int | None = None,
) -> pa.Table:
    """Rows of a table: of one day, some columns, a number of them, as they were at a snapshot; else all at the latest.

    Raises:
        SettingsError: an unknown table, column or snapshot; the message names the nearest or the known ones.
    """
    from pyiceberg.expressions import AlwaysTrue, EqualTo

    from jobs.store.types import arrow_schema

    spec = workspace.store.specs.get(name)
    if spec is None:
        raise SettingsError(f"There is no table `{name}`.{nearest(name, workspace.store.specs)}")
    for column in columns:
        if column not in spec.columns:
            raise SettingsError(f"The table `{name}` has no column `{column}`.{nearest(column, spec.columns)}")
    if not workspace.store.exists(name):
        chosen = {column: spec.columns[column] for column in columns or spec.columns}
        return arrow_schema(chosen).empty_table()
    table = workspace.store.table(name)
    _require_snapshot(table, name, snapshot)
    where = EqualTo(spec.partition[0], day) if day else AlwaysTrue()
    scan = table.scan(row_filter=where, selected_fields=tuple(columns) or ("*",), snapshot_id=snapshot, limit=limit)
    found = scan.to_arrow()
    return found.select(list(columns)) if columns else found


def _require_snapshot(table: Table, name: str, snapshot: int | None) -> None:
    known = [one.snapshot_id for one in table.snapshots()]
    if snapshot is not None and snapshot not in known:
        latest = f" The latest are {', '.join(map(str, known[-3:]))}." if known else " It has none yet."
        raise SettingsError(f"The table `{name}` has no snapshot {snapshot}; old ones expire.{latest}")


def nearest(name: str, known: Collection[str]) -> str:
    """A hint that names the nearest known name, or all of them."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean `{near[0]}`?" if near else f" Known: {', '.join(known)}."
