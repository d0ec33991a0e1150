"""Repair: what `jobs.doctor` finds wrong is taken away, and replayed as nights that are missing.

Damaged days leave their tables whole, together with the records of the steps that wrote them; so the plan finds these
steps missing and runs them from the landing files. There is no second way to make a table's rows.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from conf.errors import FeedBlocked, LandingError, StoreError
from conf.whole_files import in_place_of
from jobs.catch_up import catch_up
from jobs.doctor import (
    Finding,
    bundle_fault,
    catalog_fault,
    examined,
    local_catalog,
    local_warehouse,
    registered_digest,
)
from jobs.label_days import horizon_days
from jobs.landing.discovery import files_of
from jobs.landing.landed import ALWAYS
from jobs.night import STEPS
from jobs.store.catalog import advice_for, metadata_files
from jobs.store.commits import dropped
from jobs.store.soundness import Fault
from jobs.workspace import Workspace

Values = tuple[Any, ...]
Record = tuple[date, str]
"""A night and a step."""
STEP_OF = {
    "impressions": "ingest",
    "clicks": "ingest",
    "candidates": "ingest",
    "quarantine": "ingest",
    "landings": "ingest",
    "attributes": "ingest",
    "examples": "label",
    "daily_counts": "features",
    "training_examples": "features",
    "features": "features",
    "predictions": "score",
    "quality": "evaluate",
    "decisions": "monitor",
}
"""Which step writes a table, or the tables whose names begin so."""
BY_HAND = ("trainings", "promotions")


@dataclass
class Repair:
    """What is to be done: partitions that go (None: the whole table) and their names, steps to run again, versions to
    fetch."""

    drop: dict[str, set[Values] | None] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=dict)
    again: set[Record] = field(default_factory=set)
    versions: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def told(self) -> list[str]:
        """What is to be done, in lines."""
        lines = []
        for table, partitions in sorted(self.drop.items()):
            days = ", ".join(sorted(self.named.get(table, ())))
            lines.append(f"make {table} anew" if partitions is None else f"take {days} out of {table}")
        for night in sorted({night for night, _ in self.again}):
            steps = [step for step in (*STEPS, "train") if (night, step) in self.again]
            lines.append(f"run {', '.join(steps)} of {night} again, and what follows from them")
        return [*lines, *(f"fetch version {version} from MLflow" for version in self.versions)]


def repair(workspace: Workspace, *, deep: bool = False, dry_run: bool = False) -> dict[str, Any]:
    """Mend what is wrong, or tell what would be done. `left` is what a person has to see to.

    Raises:
        StoreError: the catalog is held by another process.
    """
    actions = []
    if fault := catalog_fault(workspace):
        if "locked" in fault:
            raise StoreError(f"The catalog cannot be used: {fault}. {advice_for(fault)}")
        actions.append(_catalog_anew(workspace, fault, dry_run=dry_run))
        if dry_run:
            return {"dry_run": True, "actions": actions, "left": ["The tables can be looked at only after that."]}
        workspace = replace(workspace)
    wanted = planned(workspace, examined(workspace, deep=deep))
    actions += wanted.told()
    if not dry_run:
        _carry_out(workspace, wanted)
    return {"dry_run": dry_run, "actions": actions, "left": wanted.left}


def _catalog_anew(workspace: Workspace, fault: str, *, dry_run: bool) -> str:
    """Make the catalog's file anew, from the newest metadata of each table."""
    file, warehouse = local_catalog(workspace), local_warehouse(workspace)
    assert file is not None
    newest = _newest(metadata_files(warehouse)) if warehouse else {}
    if not dry_run:
        if file.is_file():
            file.replace(file.with_suffix(".damaged"))
        with in_place_of(file) as unfinished:
            _register(workspace, unfinished, newest)
    return f"make the catalog, which {fault}, anew of {len(newest)} tables"


def _newest(files: Iterable[Path]) -> dict[Path, Path]:
    """The newest metadata of each table's folder that can be read."""
    from pyiceberg.table import StaticTable

    found: dict[Path, tuple[int, Path]] = {}
    for file in files:
        try:
            moment = StaticTable.from_metadata(f"file://{file}").metadata.last_updated_ms
        except Exception:  # one that a killed commit left half written, or that is damaged
            continue
        place = file.parent.parent
        if place not in found or found[place][0] < moment:
            found[place] = (moment, file)
    return {place: file for place, (_, file) in found.items()}


def _register(workspace: Workspace, catalog_file: Path, newest: Mapping[Path, Path]) -> None:
    from jobs.store.catalog import opened

    for place, file in sorted(newest.items()):
        namespace = place.parent.name
        catalog = opened(
            f"sqlite:///{catalog_file}",
            workspace.warehouse,
            workspace.settings.store.properties,
            namespace,
        )
        catalog.register_table((namespace, place.name), f"file://{file}")
    if not newest:
        raise StoreError(
            f"No table's metadata can be read below {workspace.warehouse}. Move the home away, and replay the "
            "landing files into a new one."
        )


def planned(workspace: Workspace, findings: Iterable[Finding]) -> Repair:
    """What the findings ask for."""
    wanted = Repair()
    records = recorded(workspace)
    for one in findings:
        if one.version:
            wanted.versions.append(one.version)
        elif one.fault:
            _plan_table(workspace, wanted, records, one.fault)
        elif one.severity == "wrong":
            wanted.left.append(f"{one.place}: {one.told} {one.advice}")
    return wanted


def recorded(workspace: Workspace) -> set[Record]:
    """The steps that have run, by `runs`; where that is damaged, of the nights that other tables know of."""
    try:
        runs = workspace.store.arrow("runs", columns=("dt", "step")).to_pylist()
        return {(row["dt"], row["step"]) for row in runs}
    except Exception:  # whatever damaged metadata or files lead to
        return {(night, step) for night in _nights(workspace) for step in STEPS}


def _nights(workspace: Workspace) -> set[date]:
    """The nights that have landed, by `landings`; where that is damaged too, those that rows arrived on."""
    try:
        return {night for night in workspace.store.days("landings") if night != ALWAYS}
    except Exception:
        return {part.values[1] for part in workspace.contents.partitions("impressions")}


def _plan_table(workspace: Workspace, wanted: Repair, records: set[Record], fault: Fault) -> None:
    table, values = fault.table, fault.values
    again = _again(workspace, records, table, values)
    gone = sorted({night for night, step in again if step == "ingest" and not _landed(workspace, night)})
    if gone:
        nights = ", ".join(map(str, gone))
        wanted.left.append(f"{table}: the landing files of {nights} are not there any more; restore them first.")
        return
    if values is None:
        wanted.drop[table] = None
    elif (parts := wanted.drop.setdefault(table, set())) is not None:
        parts.add(values)
        wanted.named.setdefault(table, set()).add(fault.when)
    if table in BY_HAND:
        wanted.left.append(f"{table}: what a person did is not in the landing files; look at it with `ctr models`.")
    if table.startswith("attributes_") and values == (ALWAYS,):
        told = replace(fault, table="landings", monthly=True)
        _plan_table(workspace, wanted, records, told)  # else the file counts as taken in
    wanted.again |= again


def _again(workspace: Workspace, records: set[Record], table: str, values: Values | None) -> set[Record]:
    """The steps that make a partition, or (without `values`) all of a table, among those that have run."""
    if values and workspace.store.specs[table].monthly:
        return records & {one for day in _days_of_month(values[0]) for one in _again_of(workspace, records, table, day)}
    if values:
        day = values[-1] if table == "impressions" else values[0]
        return _again_of(workspace, records, table, day)
    if table == "runs":
        return set(records)
    step = _step_of(table)
    return {one for one in records if one[1] == step}


def _step_of(table: str) -> str:
    """The step that writes a table."""
    if table in BY_HAND:
        return "train"
    return STEP_OF[table if table in STEP_OF else table.split("_")[0]]


def _days_of_month(first: date) -> list[date]:
    return [first + timedelta(days=ahead) for ahead in range(monthrange(first.year, first.month)[1])]


def _again_of(workspace: Workspace, records: set[Record], table: str, day: date) -> set[Record]:
    """The steps that make a table's rows of a day."""
    if table == "runs":
        return {one for one in records if one[0] == day}
    step = _step_of(table)
    nights = sorted(night for night, of in records if of == step)
    if day == ALWAYS:
        return {(night, step) for night in nights[-1:]}
    if table in ("candidates", "predictions") or table.startswith("features_"):
        return {(day - timedelta(days=1), step)}
    if table in ("training_examples", "quality"):
        return {(night, step) for night in _closing(workspace, nights, day)}
    return {(day, step)}


def _closing(workspace: Workspace, nights: list[date], day: date) -> list[date]:
    """The night on which a day's labels became final, or the last that looked at the day before they did."""
    maturity = timedelta(days=workspace.dataset.maturity_days)
    reach = timedelta(days=horizon_days(workspace.dataset))
    if day + maturity in nights:
        return [day + maturity]
    return [night for night in nights if day <= night <= day + reach][-1:]


def _landed(workspace: Workspace, night: date) -> bool:
    return bool(files_of(workspace.data, workspace.dataset.impressions, night))


def _carry_out(workspace: Workspace, wanted: Repair) -> None:
    for version in wanted.versions:
        _fetch_again(workspace, version, wanted)
    for table in [table for table, partitions in wanted.drop.items() if partitions is None]:
        workspace.store.catalog.drop_table((workspace.store.namespace, table))
    workspace = replace(workspace)  # whose store knows nothing of tables that are gone
    for table, partitions in wanted.drop.items():
        _drop(workspace, table, partitions or set())
    if wanted.again:
        _forget_runs(workspace, wanted.again)
    if "promotions" in wanted.drop:
        _finish_promotions(workspace, wanted.drop["promotions"])
    if not wanted.again:
        return
    first = min(night for night, _ in wanted.again)
    nights = {night for night, _ in {*recorded(workspace), *wanted.again} if night >= first}
    for night in sorted(nights):
        try:
            list(catch_up(workspace, night))
        except (FeedBlocked, LandingError) as error:
            wanted.left.append(f"{night}: {error}")


def _drop(workspace: Workspace, table: str, partitions: set[Values]) -> None:
    """Take partitions out of a table; readers see no day rather than a damaged one."""
    if not workspace.store.exists(table):
        return
    files = {file for part in workspace.contents.partitions(table) if part.values in partitions for file in part.files}
    if files:
        dropped(lambda: workspace.store.table(table), files)


def _forget_runs(workspace: Workspace, again: Collection[Record]) -> None:
    """Take the records of steps that are to run again out of `runs`."""
    from pyiceberg.expressions import In

    nights = In("dt", {night for night, _ in again})
    kept = [row for row in workspace.store.rows("runs", nights) if (row["dt"], row["step"]) not in again]
    workspace.store.replace_rows("runs", nights, kept)


def _finish_promotions(workspace: Workspace, lost: set[Values] | None) -> None:
    """The gate's own promotions again, by the trainings that came to one."""
    from jobs.registration import finish_promotion
    from jobs.trainings import trainings

    for row in trainings(workspace):
        if lost is None or (row["dt"].replace(day=1),) in lost:
            finish_promotion(workspace, row)


def _fetch_again(workspace: Workspace, version: str, wanted: Repair) -> None:
    from jobs.tracking import fetch_bundle

    folder = workspace.models / version
    try:
        fetch_bundle(workspace, version, folder)
    except StoreError as error:
        wanted.left.append(f"model v{version}: {error}")
        return
    if fault := bundle_fault(folder, registered_digest(workspace, version)):
        wanted.left.append(f"model v{version}: what MLflow holds is damaged too: {fault}")
