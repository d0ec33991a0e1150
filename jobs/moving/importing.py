"""Import: a home out of an archive, at whatever place; all of it, or none."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from conf.errors import SettingsError, StoreError
from jobs.moving.archive import unpacked
from jobs.moving.mlflow_files import readdress
from jobs.moving.table_paths import Relocation
from jobs.store.catalog import opened
from jobs.store.versions import mark, require_known
from jobs.workspace import Home


def import_home(path: Path, home: Home, *, data: Path | None = None, digest: str = "") -> dict[str, Any]:
    """Make a home of an archive. `data` is where the landing files of its one data set lie from now on.

    Everything is made ready beside the home and put in its place in one step.

    Raises:
        SettingsError: the home holds something already, or `data` is wrong.
        StoreError: the archive is not whole, was changed, or is of newer code; nothing was imported.
    """
    _require_possible(path, home, data)
    home.path.parent.mkdir(parents=True, exist_ok=True)
    building = Home(home.path.with_name(f".{home.path.name}.import-{os.getpid()}"))
    try:
        building.path.mkdir()
        facts = unpacked(path, building.path, digest)
        require_known(int(facts["schema_version"]), f"{path}")
        _settle(building, home, facts, data)
        building.path.replace(home.path)
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path}: its list of files lacks what belongs there ({error!r}); nothing was imported."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{home.path} cannot be written: {error}. Nothing was imported.") from error
    finally:
        shutil.rmtree(building.path, ignore_errors=True)
    return {
        "home": str(home.path),
        "files": len(facts["files"]),
        "tables": len(facts["tables"]),
        "mlflow": facts["mlflow"] is not None,
        "data_sets": sorted({name.split(".")[0] for name in facts["tables"]}),
        "without_landing_files": _without_data(home),
        "settings": str(home.path / "settings.yaml"),
        "settings_left_out": facts["settings_left_out"],
    }


def _require_possible(path: Path, home: Home, data: Path | None) -> None:
    if home.path.exists() and (not home.path.is_dir() or any(home.path.iterdir())):
        raise SettingsError(f"The home {home.path} is not empty. Import into a new folder: --home FOLDER.")
    if not path.is_file():
        raise SettingsError(f"{path}: there is no such file.")
    if data is not None and not data.is_dir():
        raise SettingsError(f"--data {data}: there is no such folder.")


def _settle(building: Home, home: Home, facts: Mapping[str, Any], data: Path | None) -> None:
    """Turn what was unpacked into a home that is to lie at `home`."""
    if (building.path / "tables").exists():
        (building.path / "tables").rename(building.warehouse)
    for name, table in facts["tables"].items():
        place = name.replace(".", "/")
        moved = Relocation(building.warehouse / place, table["location"], f"file://{home.warehouse / place}")
        moved.relocate(table["metadata"])
    _make_catalog(building, home, facts["tables"])
    if facts["mlflow"] is not None:
        readdress(building.mlflow_database, facts["mlflow"]["artifacts"], home.mlflow_artifacts.as_uri())
    _remember_sources(building, home, facts["sources"], data)
    mark(building.marker)


def _make_catalog(building: Home, home: Home, tables: Mapping[str, Mapping[str, str]]) -> None:
    """A catalog whose tables lie where they will lie once the home is in its place."""
    now, later = f"file://{building.warehouse}", f"file://{home.warehouse}"
    for namespace in sorted({name.rpartition(".")[0] for name in tables}):
        catalog = opened(f"sqlite:///{building.catalog}", now, {}, namespace)
        for name, table in tables.items():
            if name.rpartition(".")[0] == namespace:
                metadata = f"{now}/{name.replace('.', '/')}/{table['metadata']}"
                catalog.register_table(tuple(name.split(".")), metadata)
        catalog.close()
    with closing(sqlite3.connect(building.catalog)) as connection, connection:
        connection.execute(
            "UPDATE iceberg_tables SET metadata_location = ? || substr(metadata_location, ?), "
            "previous_metadata_location = NULL",
            (later, len(now) + 1),
        )


def _remember_sources(building: Home, home: Home, sources: Mapping[str, Mapping[str, str]], data: Path | None) -> None:
    """Where data sets lie, as far as that is known here. A data set without a folder needs `--data` once."""
    if data is not None and len(sources) != 1:
        raise SettingsError(f"--data goes with an archive of one data set; this one holds {len(sources)}.")
    remembered = {}
    for name, entry in sources.items():
        described = entry["description"]
        landed = home.path / entry["data"] if (building.path / entry.get("data", "-")).is_dir() else None
        remembered[name] = {
            "description": str(home.path / described) if described.startswith("descriptions/") else described,
            **({"data": str(data.resolve() if data else landed)} if data or landed else {}),
        }
    building.sources.write_text(json.dumps(remembered, indent=2), encoding="utf-8")


def _without_data(home: Home) -> list[str]:
    known = json.loads(home.sources.read_text(encoding="utf-8"))
    return sorted(name for name, entry in known.items() if "data" not in entry)
