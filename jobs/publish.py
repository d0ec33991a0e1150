"""Publish: everything that a night took in, one commit a table."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from jobs.landing.landed import ALWAYS, Landed
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def publish(workspace: Workspace, night: date, landed: dict[str, Landed]) -> dict[str, int]:
    """Commit everything that the night took in: one commit a table, the ledger last."""
    from pyiceberg.expressions import EqualTo
    from pyspark.sql import functions as F

    store = workspace.store
    arrived = F.lit(night)
    impressions = landed["impressions"].used.withColumn("arrived", arrived)
    rows = {"impressions": store.replace("impressions", EqualTo("arrived", night), impressions)}
    if "clicks" in landed:
        clicks = landed["clicks"].used.withColumn("dt", arrived)
        rows["clicks"] = store.replace("clicks", EqualTo("dt", night), clicks)
    for name, table in workspace.dataset.attributes.items():
        source = f"attributes_{name}"
        if source in landed:
            day = night if table.dated else ALWAYS
            rows[source] = store.replace(source, EqualTo("dt", day), landed[source].used.withColumn("dt", F.lit(day)))
        elif table.dated:
            store.replace_rows(source, EqualTo("dt", night), [])  # the files of an earlier run have been taken away
    tomorrow = night + timedelta(days=1)
    if "candidates" in landed:
        pairs = landed["candidates"].used.withColumn("dt", F.lit(tomorrow))
        rows["candidates"] = store.replace("candidates", EqualTo("dt", tomorrow), pairs)
    else:
        store.replace_rows("candidates", EqualTo("dt", tomorrow), [])
    rows["quarantine"] = store.replace("quarantine", EqualTo("dt", night), _quarantined(landed, night))
    static = [f"attributes_{name}" for name, table in workspace.dataset.attributes.items() if not table.dated]
    balances = [kind.balance(ALWAYS if name in static else night) for name, kind in landed.items()]
    for day in (ALWAYS, night):
        mine = [balance for balance in balances if balance["dt"] == day]
        if mine:
            kept = [row for row in store.rows("landings", EqualTo("dt", day)) if day == ALWAYS]
            names = {row["source"] for row in mine}
            store.replace_rows("landings", EqualTo("dt", day), [*mine, *(r for r in kept if r["source"] not in names)])
    return rows


def _quarantined(landed: dict[str, Landed], night: date) -> DataFrame:
    from pyspark.sql import functions as F

    parts = [
        kind.rejected.select(
            F.lit(night).alias("dt"),
            F.lit(kind.source).alias("source"),
            F.col("_file").alias("file"),
            F.col("_row").alias("position"),
            F.col("_text").alias("text"),
            F.col("_reject").alias("reason"),
        )
        for kind in landed.values()
    ]
    united = parts[0]
    for part in parts[1:]:
        united = united.unionByName(part)
    return united
