"""Export: everything of a home that cannot be worked out again, and what saves working it out, in one archive."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from conf.errors import NotReady, SettingsError
from jobs.code_version import code_version
from jobs.moving.archive import ArchiveWriter, new_archive
from jobs.moving.mlflow_files import copy_database
from jobs.moving.overlay import portable
from jobs.moving.table_paths import inside
from jobs.step import scratch_folder
from jobs.store.table_files import files_of
from jobs.store.versions import SCHEMA_VERSION
from jobs.workspace import Home, Workspace, remembered_sources

if TYPE_CHECKING:
    from pyiceberg.table import Table


def export_home(workspace: Workspace, path: Path, *, landing: bool = False) -> dict[str, Any]:
    """Write all data sets of a home to an archive: tables with all their snapshots, MLflow, models, reports, settings.

    `landing` puts the landing files in it too that lie in the home. Returns what the archive holds, and its digest.

    Raises:
        SettingsError: there is nothing to export, or no folder for the archive.
        NotReady: something was written meanwhile; nothing is left of the archive.
        StoreError: the archive cannot be written, or a table has files outside its folder.
    """
    if not path.parent.is_dir():
        raise SettingsError(f"{path}: there is no folder {path.parent}.")
    tables = _tables(workspace)
    if not tables:
        raise SettingsError(f"The home {workspace.home.path} holds no tables: there is nothing to export.")
    settings, left_out = portable(workspace.settings)
    facts: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "code_version": code_version(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "home": str(workspace.home.path),
    }
    with new_archive(path, facts) as archive:
        facts["tables"] = {name: _add_table(archive, name, table) for name, table in tables.items()}
        facts["mlflow"] = _add_mlflow(archive, workspace)
        _add_folders(archive, workspace.home, landing=landing)
        facts["sources"] = _add_sources(archive, workspace)
        facts["settings_left_out"] = left_out
        archive.add_bytes("settings.yaml", yaml.safe_dump(settings, sort_keys=False).encode())
        _require_unchanged(workspace, tables)
        facts["bytes"] = sum(int(size) for size, _ in archive.files.values())
        count = len(archive.files)
    return {
        "archive": str(path),
        "files": count,
        "bytes": facts["bytes"],
        "tables": len(tables),
        "snapshots": sum(table["snapshots"] for table in facts["tables"].values()),
        "mlflow": facts["mlflow"] is not None,
        "settings_left_out": left_out,
        "digest": facts["digest"],
    }


def _tables(workspace: Workspace) -> dict[str, Table]:
    """The home's tables by `namespace.name`: of all its data sets; of a catalog elsewhere, of the data set at hand."""
    catalog, found = workspace.store.catalog, {}
    shared = bool(workspace.settings.store.catalog_uri)
    for namespace in [(workspace.store.namespace,)] if shared else sorted(catalog.list_namespaces()):
        for identifier in sorted(catalog.list_tables(namespace)):
            found[".".join(identifier)] = catalog.load_table(identifier)
    return found


def _add_table(archive: ArchiveWriter, name: str, table: Table) -> dict[str, Any]:
    location = table.location()
    for file in files_of(table):
        source = table.io.new_input(file)
        with source.open() as stream:
            archive.add(f"tables/{name.replace('.', '/')}/{inside(file, location)}", stream, len(source))
    current = inside(table.metadata_location, location)
    return {"location": location, "metadata": current, "snapshots": len(table.snapshots())}


def _add_folders(archive: ArchiveWriter, home: Home, *, landing: bool) -> None:
    """The folders that go along as they are; with `landing` those of the landing files and their truth too."""
    archive.add_folder("models", home.models)
    archive.add_folder("reports", home.reports)
    if landing:
        archive.add_folder("landing", home.landing)
        archive.add_folder("truth", home.truth)


def _add_mlflow(archive: ArchiveWriter, workspace: Workspace) -> dict[str, str] | None:
    """MLflow's store where it lies in the home; a server's own stays with the server."""
    database, artifacts = workspace.home.mlflow_database, workspace.home.mlflow_artifacts
    if workspace.settings.tracking.uri or not database.is_file():
        return None
    with scratch_folder(workspace.home, "export") as scratch:
        copy = scratch / database.name
        copy_database(database, copy)
        archive.add_file(f"mlflow/{database.name}", copy)
    archive.add_folder("mlflow/artifacts", artifacts)
    return {"artifacts": artifacts.as_uri()}


def _add_sources(archive: ArchiveWriter, workspace: Workspace) -> dict[str, dict[str, str]]:
    """What the home remembers of its data sets; descriptions that are files of their own go along."""
    home = workspace.home
    found = {}
    for name, entry in remembered_sources(home).items():
        description = Path(entry["description"])
        data = Path(entry["data"])
        kept = (
            {"data": f"landing/{data.relative_to(home.landing).as_posix()}"}
            if data.is_relative_to(home.landing)
            else {}
        )
        if description.suffix in (".yaml", ".yml") and description.is_file():
            archive.add_file(f"descriptions/{name}.yaml", description)
            found[name] = {"description": f"descriptions/{name}.yaml", **kept}
        else:
            found[name] = {"description": entry["description"], **kept}
    return found


def _require_unchanged(workspace: Workspace, tables: dict[str, Table]) -> None:
    now = {name: table.metadata_location for name, table in _tables(workspace).items()}
    then = {name: table.metadata_location for name, table in tables.items()}
    changed = sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
    if changed:
        raise NotReady(
            f"Table {changed[0]} was written while the home was being exported. Wait until no night runs, and export "
            "again; nothing is left of the archive."
        )
