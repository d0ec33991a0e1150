"""A home with a long past: one of its nights copied to the days before, in every table, as nights leave it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.night.data import make_night
from bench.training.data import DAYS, FIRST

if TYPE_CHECKING:
    import pyarrow as pa

    from jobs.store.tables import Store

COPIED = FIRST + timedelta(days=4)
"""The night that is copied: neither the first nor one of the last."""
ONCE = ("trainings", "promotions")
"""Tables that a night without training adds nothing to."""


def make_nights_after(folder: Path, impressions: int, days: Sequence[int]) -> dict[str, Any]:
    """One home for each number of days before its next night; each is made once."""
    homes = {f"day {behind}": make_past(folder / f"past-{behind}", impressions, behind) for behind in days}
    return {"homes": {side: made["home"] for side, made in homes.items()}, "night": homes[f"day {days[0]}"]["night"]}


def make_past(folder: Path, impressions: int, days: int) -> dict[str, Any]:
    """A home whose next night has `days` days behind it. The last nights of them were run, the others are copies."""
    folder.mkdir(parents=True, exist_ok=True)
    made, done = make_night(folder, impressions), folder / "past.done"
    if not done.is_file():
        from jobs.workspace import open_workspace

        store = open_workspace(home=Path(made["home"])).store
        for name in store.made():
            if name not in ONCE:
                add_past(store, name, days - DAYS - 1)
        done.touch()
    return made


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
    past = (shifted(rows, (COPIED - FIRST).days + back) for back in range(1, days + 1))
    if spec.monthly:
        store.replace_rows(name, AlwaysFalse(), pa.concat_tables(past).to_pylist())
    else:
        files = [file for day in past for file in written_rows(store.table(name), spec, day)]
        committed(lambda: store.table(name), AlwaysFalse(), files)


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
