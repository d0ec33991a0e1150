"""A Feast repository over the feature tables: their latest snapshot as Parquet files, and the views that read them.

Optional: `pip install 'ctr-pipeline[feast]'`. Writing the repository needs no Feast; using it does.
"""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from conf.errors import NotReady
from conf.whole_files import in_place_of, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

    from jobs.workspace import Workspace

VIEWS, SETTINGS, DEFINITIONS = "views.json", "feature_store.yaml", "definitions.py"
TIMESTAMP = "as_of"
"""The moment as of which a row's history was taken: the start of its day in the data set's time zone."""

LIFE = timedelta(days=1)
"""A row describes its key for one day: a key without one that day has no history then, and must not find an old one."""

DEFINITIONS_TEXT = '''\
"""Feature views over the Parquet files in this folder. Written by `ctr feast`, read by `feast apply`."""

from pathlib import Path

from jobs.feast_repository import definitions

globals().update(definitions(Path(__file__).parent))
'''


def write_repository(workspace: Workspace, folder: Path) -> dict[str, int]:
    """Write the repository; returns the rows of each view. Run it again to bring it up to date.

    Raises:
        NotReady: there are no features yet.
    """
    counts, views = {}, []
    for history, declaration in workspace.dataset.histories.items():
        rows = exported(workspace, history, declaration.keys)
        counts[history] = rows.num_rows
        _write_parquet(rows, folder / f"{history}.parquet")
        features = [name for name in rows.column_names if name not in (TIMESTAMP, *declaration.keys)]
        views.append({"name": history, "keys": list(declaration.keys), "features": features})
    if not any(counts.values()):
        raise NotReady("There are no feature tables to export yet. Run a night first: `ctr night --date ...`.")
    project = {
        "project": workspace.dataset.name,
        "provider": "local",
        "registry": "registry.db",
        "offline_store": {"type": "file"},
        "online_store": {"type": "sqlite", "path": "online.db"},
        "entity_key_serialization_version": 3,
    }
    write_whole(folder / VIEWS, json.dumps(views, indent=2))
    write_whole(folder / SETTINGS, yaml.safe_dump(project, sort_keys=False))
    write_whole(folder / DEFINITIONS, DEFINITIONS_TEXT)
    return counts


def exported(workspace: Workspace, history: str, keys: tuple[str, ...]) -> pa.Table:
    """A feature table for Feast: the key's parts as columns of their own, days as counts of days, the as-of moment."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from features.histories import KEY_SEPARATOR

    table = workspace.store.arrow(f"features_{history}")
    parts = pc.split_pattern(table["key"], KEY_SEPARATOR)
    columns: dict[str, Any] = {key: pc.list_element(parts, place) for place, key in enumerate(keys)}
    zone = workspace.dataset.zone
    moments = [datetime.combine(day, time(), zone) for day in table["dt"].to_pylist()]
    columns[TIMESTAMP] = pa.array(moments, pa.timestamp("us", tz="UTC"))
    for name in table.column_names:
        if pa.types.is_floating(table.schema.field(name).type):
            columns[name] = table[name]
    for name, source in (("days_since", "last_day"), ("days_since_click", "last_click_day")):
        columns[name] = pc.days_between(table[source], table["dt"]).cast(pa.float64())
    return pa.table(columns)


def _write_parquet(rows: pa.Table, file: Path) -> None:
    import pyarrow.parquet as pq

    with in_place_of(file) as unfinished:
        pq.write_table(rows, unfinished)


def definitions(folder: Path) -> dict[str, Any]:
    """Feast's entities and feature views of a repository, by name."""
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64, String

    views = json.loads((folder / VIEWS).read_text(encoding="utf-8"))
    keys = sorted({key for view in views for key in view["keys"]})
    entities = {key: Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in keys}
    found: dict[str, Any] = {f"entity_{key}": entity for key, entity in entities.items()}
    for view in views:
        source = FileSource(
            name=f"{view['name']}_file",
            path=str(folder.resolve() / f"{view['name']}.parquet"),
            timestamp_field=TIMESTAMP,
        )
        fields = [Field(name=key, dtype=String) for key in view["keys"]]
        fields += [Field(name=name, dtype=Float64) for name in view["features"]]
        found[f"view_{view['name']}"] = FeatureView(
            name=view["name"],
            entities=[entities[key] for key in view["keys"]],
            ttl=LIFE,
            schema=fields,
            source=source,
        )
    return found
