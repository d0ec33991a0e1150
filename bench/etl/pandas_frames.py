"""The same tables with pandas, everything in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.etl.data import LAST, WINDOW_HOURS
from bench.etl.duckdb_sql import FIRST_RATE, FIRST_TRUST, TRUST
from bench.etl.polars_lazy import COUNTS, PARENTS
from bench.etl.tables_written import checked, fresh_out

LARGEST = 8_000_000
"""Impressions beyond which it would take most of the machine's memory."""


__all__ = ["checked", "prepared"]


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Imports pandas; the work writes the four tables into the side's folder."""
    import pandas as pd
    import pyarrow.dataset as ds

    log, out = Path(task["log"]), fresh_out(task)
    last = pd.Timestamp(LAST)

    def read(name: str) -> pd.DataFrame:
        frame = ds.dataset(log / name, format="parquet").to_table().to_pandas()
        for column in {"dt", "arrived"} & set(frame.columns):
            frame[column] = pd.to_datetime(frame[column])
        return frame

    def write(frame: pd.DataFrame, name: str) -> None:
        days = [str(column) for column, kind in frame.dtypes.items() if str(kind) == "datetime64[ns]"]
        frame.assign(**{column: frame[column].dt.date for column in days}).to_parquet(
            out / f"{name}.parquet", compression="zstd"
        )

    def examples() -> pd.DataFrame:
        impressions, clicks = read("impressions"), read("clicks")
        paired = clicks.merge(impressions[["impression_id", "event_time"]], on="impression_id")
        delay = paired["click_time"] - paired["event_time"]
        counted = paired[(delay >= timedelta(0)) & (delay <= timedelta(hours=WINDOW_HOURS))]
        first = counted.groupby("impression_id")["dt"].min()
        rows = impressions.merge(pd.read_parquet(log / "ads.parquet"), on="ad_id", how="left")
        rows["click_arrived"] = rows["impression_id"].map(first)
        known = rows[["arrived", "click_arrived"]].max(axis=1)
        clicked = rows["click_arrived"].notna()
        rows["clicked"] = clicked.astype("int32")
        rows["clicked_provisional"] = (clicked & (known <= rows["dt"])).astype("int32")
        rows["final"] = True
        rows["known_on"] = known.where(known > last, last)
        return rows

    def keyed(rows: pd.DataFrame, name: str) -> Any:
        if name == "all":
            return "all"
        if name == "user_campaign":
            return rows["user_id"] + "\u241f" + rows["campaign_id"]
        return rows[f"{name}_id"]

    def counts(rows: pd.DataFrame) -> pd.DataFrame:
        known = rows[["arrived", "click_arrived"]].max(axis=1)
        clicked = rows["clicked"] == 1
        shown = rows.assign(
            known_on=rows["arrived"], impressions=1, clicks=(clicked & (known == rows["arrived"])).astype(int)
        )
        late = clicked & (rows["click_arrived"] > rows["arrived"]) & (known <= last)
        later = rows[late].assign(known_on=known[late], impressions=0, clicks=1)
        learned = pd.concat([shown, later])
        parts = []
        for name in ("all", *PARENTS):
            part = learned[["known_on", "dt", "impressions", "clicks"]].assign(key=keyed(learned, name))
            parts.append(part.groupby(["known_on", "dt", "key"], as_index=False).sum().assign(history=name))
        return pd.concat(parts, ignore_index=True)

    def features(learned: pd.DataFrame) -> pd.DataFrame:
        recent = learned[
            (learned["known_on"] < last) & (learned["dt"] < last) & (learned["dt"] >= last - timedelta(days=7))
        ]
        inside = recent["dt"] >= last - timedelta(days=1)
        wide = recent.assign(
            impressions_1d=recent["impressions"].where(inside, 0).astype(float),
            clicks_1d=recent["clicks"].where(inside, 0).astype(float),
            impressions_7d=recent["impressions"].astype(float),
            clicks_7d=recent["clicks"].astype(float),
            last_click_day=recent["dt"].where(recent["clicks"] > 0),
        )
        grouped = wide.groupby(["history", "key"])
        found = grouped[list(COUNTS)].sum()
        found["last_day"], found["last_click_day"] = grouped["dt"].max(), grouped["last_click_day"].max()
        found["active_days"] = grouped["dt"].nunique().astype(float)
        return found.reset_index().assign(dt=last)

    def shrunk(rows: pd.DataFrame, name: str, days: int, above: Any, trust: float) -> Any:
        return (rows[f"{name}__clicks_{days}d"] + trust * above) / (rows[f"{name}__impressions_{days}d"] + trust)

    def joined(rows: pd.DataFrame, histories: pd.DataFrame) -> pd.DataFrame:
        found = rows[rows["dt"] == last]
        for name in ("all", *PARENTS):
            table = histories[histories["history"] == name].set_index("key")[list(COUNTS)].add_prefix(f"{name}__")
            found = found.assign(_key=keyed(found, name)).merge(table, left_on="_key", right_index=True, how="left")
            found = found.drop(columns="_key").fillna(dict.fromkeys(table.columns, 0.0))
        found["all__ctr_7d"] = shrunk(found, "all", 7, FIRST_RATE, FIRST_TRUST)
        for name, parent in PARENTS.items():
            found[f"{name}__ctr_7d"] = shrunk(found, name, 7, found[f"{parent}__ctr_7d"], TRUST)
            found[f"{name}__ctr_1d"] = shrunk(found, name, 1, found[f"{name}__ctr_7d"], TRUST)
        return found

    def work() -> None:
        rows = examples()
        write(rows, "examples")
        learned = counts(rows)
        write(learned, "counts")
        histories = features(learned)
        write(histories, "features")
        write(joined(rows, histories), "joined")

    return work
