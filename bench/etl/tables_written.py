"""The tables that a side writes: where, and what is in them whatever the order of rows and their spread over files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLUMNS = {
    "examples": (
        "impression_id",
        "user_id",
        "ad_id",
        "slot",
        "campaign_id",
        "dt",
        "clicked",
        "clicked_provisional",
        "known_on",
    ),
    "counts": ("known_on", "dt", "history", "key", "impressions", "clicks"),
    "features": (
        "history",
        "key",
        "impressions_1d",
        "clicks_1d",
        "impressions_7d",
        "clicks_7d",
        "last_day",
        "last_click_day",
        "active_days",
    ),
    "joined": (
        "impression_id",
        "user__ctr_7d",
        "ad__ctr_1d",
        "campaign__ctr_7d",
        "user_campaign__ctr_7d",
        "user_campaign__impressions_7d",
    ),
}
"""Columns that are compared. Doubles count to nine digits after the point: further on, sums depend on the order."""


def fresh_out(task: Mapping[str, Any]) -> Path:
    """An empty folder for what a side writes."""
    out = Path(task["outs"]) / task["side"]
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    return out


def checked(task: Mapping[str, Any]) -> dict[str, Any]:
    """What the side wrote, as digests by table, and the bytes of it; the files are removed."""
    out = Path(task["outs"]) / task["side"]
    found = {"tables": digests(out), "mb_written": sum(file.stat().st_size for file in out.rglob("*.parquet")) / 1e6}
    shutil.rmtree(out)
    return found


def digests(out: Path) -> dict[str, str]:
    """Rows and the sum of row hashes of each table below a folder."""
    import duckdb

    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    found = {}
    for table, columns in COLUMNS.items():
        place = f"{out}/{table}/**/*.parquet" if (out / table).is_dir() else f"{out}/{table}.parquet"
        kinds = {
            name: kind
            for name, kind, *_ in db.execute(
                "DESCRIBE FROM read_parquet($1, hive_partitioning = false)", [place]
            ).fetchall()
        }
        values = ", ".join(_value(name, kinds[name]) for name in columns)
        query = f"SELECT count(*), sum(hash({values})::HUGEINT) FROM read_parquet($1, hive_partitioning = false)"
        rows, hashes = db.execute(query, [place]).fetchone() or (0, 0)
        found[table] = f"{rows}:{hashes}"
    return found


def _value(name: str, kind: str) -> str:
    if kind == "DOUBLE":
        return f"round({name}, 9)::DECIMAL(28, 9)"
    if kind in ("DATE", "VARCHAR"):
        return name
    return f"{name}::DATE" if kind.startswith("TIMESTAMP") else f"{name}::BIGINT"
