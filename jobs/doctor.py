"""Doctor: is everything that a home holds what it should be? Findings with what to do; nothing is changed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from conf.error_words import first_line
from conf.errors import CtrError
from jobs.champion import bundle_digest
from jobs.store.addresses import local_path
from jobs.store.catalog import advice_for, metadata_files
from jobs.store.kept_database import database_to_read
from jobs.store.soundness import Fault, faults
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from jobs.store.tables import Store

Severity = Literal["wrong", "note"]
REPAIR = "Run `ctr repair`."
LEAST_FREE_BYTES, LEAST_FREE_SHARE = 1_000_000_000, 0.05


@dataclass(frozen=True)
class Finding:
    """One thing found: `wrong`, or a `note` that nothing depends on. `day` is the damaged day or month of a table."""

    severity: Severity
    place: str
    told: str
    advice: str
    file: str = ""
    day: str = ""
    fault: Fault | None = None
    version: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        return {
            "severity": self.severity,
            "place": self.place,
            "told": self.told,
            "advice": self.advice,
            "file": self.file or None,
            "day": self.day or None,
            "version": self.version or None,
        }


def examined(workspace: Workspace, *, deep: bool) -> list[Finding]:
    """All findings, what is wrong first. With `deep` every file of the tables is read whole."""
    found = [*_catalog(workspace, deep=deep), *_databases(workspace), *_models(workspace), *_folders(workspace)]
    return sorted(found, key=lambda one: one.severity != "wrong")


def local_catalog(workspace: Workspace) -> Path | None:
    """The catalog's file, where it is one."""
    uri = workspace.catalog_uri
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def local_warehouse(workspace: Workspace) -> Path | None:
    """The folder of the tables, where it is one."""
    place = local_path(workspace.warehouse)
    return Path(place) if place else None


def catalog_fault(workspace: Workspace) -> str:
    """What is wrong with the catalog's file; empty where nothing is, or where it is no file."""
    file, warehouse = local_catalog(workspace), local_warehouse(workspace)
    if file is None:
        return ""
    if not file.is_file():
        return "is gone" if warehouse and metadata_files(warehouse) else ""
    return database_fault(file)


def database_fault(file: Path) -> str:
    """What is wrong with a SQLite file; empty where nothing is, or where it is not there."""
    if not file.is_file():
        return ""
    try:
        with database_to_read(file) as connection:
            [(told,)] = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        return str(error)
    return "" if told == "ok" else first_line(told)


def _catalog(workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    file, fault = local_catalog(workspace), catalog_fault(workspace)
    if fault:
        advice = advice_for(fault) if "locked" in fault else REPAIR
        yield Finding("wrong", "catalog", f"The catalog {fault}.", advice, str(file))
        return
    if file is not None and not file.is_file():
        yield Finding("note", "home", "Nothing has been run in this home yet.", "Run `ctr night --date ...`.")
        return
    try:
        store = workspace.store
        yield from _tables(store, workspace, deep=deep)
    except CtrError as error:
        yield Finding("wrong", "catalog", first_line(error), "See the message.")


def _tables(store: Store, workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    known = [name[-1] for name in store.catalog.list_tables(store.namespace)]
    for fault in faults(store.catalog, store.namespace, known, workspace.checksums, deep=deep):
        yield Finding("wrong", f"table {fault.table}", fault.told, REPAIR, fault.file, fault.when, fault)


def _databases(workspace: Workspace) -> Iterator[Finding]:
    kept = {
        workspace.home.contents: "Delete it: what it held is worked out again.",
        workspace.home.checksums: "Delete it; flipped bits of older files are then told only where they do not decode.",
        workspace.home.mlflow_database: "Restore it from a backup; nights go on with the models in the home.",
    }
    for file, advice in kept.items():
        if fault := database_fault(file):
            yield Finding("wrong", file.name, f"The file cannot be used: {fault}.", advice, str(file))


def _models(workspace: Workspace) -> Iterator[Finding]:
    folder = workspace.models
    for version in sorted(path.name for path in folder.glob("[0-9]*")):
        if fault := bundle_fault(folder / version, registered_digest(workspace, version)):
            yield Finding(
                "wrong", f"model v{version}", fault, f"{REPAIR} It is fetched from MLflow again.", version=version
            )


def registered_digest(workspace: Workspace, version: str) -> str | None:
    """What a version's files were when it was registered, where the tables can tell."""
    try:
        return bundle_digest(workspace, version)
    except Exception:  # the table is damaged, which is a finding of its own
        return None


def bundle_fault(folder: Path, registered: str | None) -> str:
    """What is wrong with the files of a version; empty where nothing is."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from jobs.model_record import RECORD, ModelRecord
    from models.bundle_files import verified_manifest

    try:
        verified_manifest(folder / "bundle", registered)
        pq.ParquetFile(folder / "reference.parquet").read()
        if (folder / RECORD).is_file():
            ModelRecord.read(folder / RECORD)
    except (CtrError, pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        return first_line(error)
    return ""


def _folders(workspace: Workspace) -> Iterator[Finding]:
    home = workspace.home
    if home.path.is_dir():
        disk = shutil.disk_usage(home.path)
        if disk.free < LEAST_FREE_BYTES or disk.free < LEAST_FREE_SHARE * disk.total:
            told = f"{disk.free / 1e9:.1f} GB of {disk.total / 1e9:.1f} GB are free."
            yield Finding("note", "disk", told, "Run `ctr maintain`, or make room.", str(home.path))
    left = sorted(home.scratch.glob("*"))
    if left:
        told = f"{len(left)} scratch folders lie there: of commands that run now, or that were killed."
        yield Finding("note", "scratch", told, "`ctr maintain` removes the old ones.", str(home.scratch))


def days_told(found: Sequence[Finding]) -> dict[str, list[str]]:
    """The damaged days by table; months, where a file holds one."""
    days: dict[str, set[str]] = {}
    for one in found:
        if one.fault and one.day:
            days.setdefault(one.fault.table, set()).add(one.day)
    return {table: sorted(of) for table, of in days.items()}
