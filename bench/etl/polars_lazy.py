"""The same tables with Polars' lazy frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.etl.data import LAST, WINDOW_HOURS
from bench.etl.duckdb_sql import FIRST_RATE, FIRST_TRUST, TRUST
from bench.etl.tables_written import checked, fresh_out

PARENTS = {"user": "all", "campaign": "all", "ad": "campaign", "user_campaign": "user"}
COUNTS = ("impressions_1d", "clicks_1d", "impressions_7d", "clicks_7d")


__all__ = ["checked", "prepared"]


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Imports Polars; the work writes the four tables into the side's folder."""
    import polars as pl

    log, out = Path(task["log"]), fresh_out(task)
    known = pl.max_horizontal("arrived", "click_arrived")
    keys = {
        "all": pl.lit("all"),
        "user": pl.col("user_id"),
        "campaign": pl.col("campaign_id"),
        "ad": pl.col("ad_id"),
        "user_campaign": pl.concat_str("user_id", pl.lit("\u241f"), "campaign_id"),
    }

    def examples() -> pl.LazyFrame:
        impressions = pl.scan_parquet(log / "impressions" / "*.parquet")
        clicks = pl.scan_parquet(log / "clicks" / "*.parquet").rename({"dt": "click_arrived"})
        delay = pl.col("click_time") - pl.col("event_time")
        counted = clicks.join(impressions.select("impression_id", "event_time"), on="impression_id").filter(
            delay.is_between(timedelta(0), timedelta(hours=WINDOW_HOURS))
        )
        first = counted.group_by("impression_id").agg(pl.col("click_arrived").min())
        joined = impressions.join(first, on="impression_id", how="left")
        return joined.join(pl.scan_parquet(log / "ads.parquet"), on="ad_id", how="left").with_columns(
            clicked=pl.col("click_arrived").is_not_null().cast(pl.Int32),
            clicked_provisional=(pl.col("click_arrived").is_not_null() & (known <= pl.col("dt"))).cast(pl.Int32),
            final=pl.lit(True),
            known_on=pl.max_horizontal(pl.lit(LAST), "arrived", "click_arrived"),
        )

    def counts(rows: pl.LazyFrame) -> pl.LazyFrame:
        shown = rows.with_columns(
            known_on="arrived",
            impressions=1,
            clicks=((known == pl.col("arrived")) & (pl.col("clicked") == 1)).cast(int),
        )
        later = rows.filter((pl.col("click_arrived") > pl.col("arrived")) & (known <= LAST)).with_columns(
            known_on=known, impressions=0, clicks=1
        )
        columns = ("known_on", "dt", "user_id", "ad_id", "campaign_id", "impressions", "clicks")
        learned = pl.concat([shown.select(columns), later.select(columns)], how="vertical_relaxed")
        return pl.concat(
            learned.select("known_on", "dt", "impressions", "clicks", key=key)
            .filter(pl.col("key").is_not_null())
            .group_by("known_on", "dt", "key")
            .agg(pl.col("impressions").sum(), pl.col("clicks").sum())
            .with_columns(history=pl.lit(name))
            for name, key in keys.items()
        )

    def features(learned: pl.LazyFrame) -> pl.LazyFrame:
        recent = learned.filter(
            (pl.col("known_on") < LAST) & (pl.col("dt") < LAST) & (pl.col("dt") >= LAST - timedelta(days=7))
        )
        inside = pl.col("dt") >= LAST - timedelta(days=1)
        return recent.group_by("history", "key").agg(
            pl.lit(LAST).alias("dt").first(),
            pl.col("impressions").filter(inside).sum().cast(float).alias("impressions_1d"),
            pl.col("clicks").filter(inside).sum().cast(float).alias("clicks_1d"),
            pl.col("impressions").sum().cast(float).alias("impressions_7d"),
            pl.col("clicks").sum().cast(float).alias("clicks_7d"),
            pl.col("dt").max().alias("last_day"),
            pl.col("dt").filter(pl.col("clicks") > 0).max().alias("last_click_day"),
            pl.col("dt").n_unique().cast(float).alias("active_days"),
        )

    def shrunk(name: str, days: int, above: pl.Expr, trust: float) -> pl.Expr:
        return (pl.col(f"{name}__clicks_{days}d") + trust * above) / (pl.col(f"{name}__impressions_{days}d") + trust)

    def joined(rows: pl.LazyFrame, histories: pl.LazyFrame) -> pl.LazyFrame:
        last = rows.filter(pl.col("dt") == LAST)
        for name, key in keys.items():
            table = histories.filter(pl.col("history") == name).select(
                pl.col("key").alias("_key"), *[pl.col(column).alias(f"{name}__{column}") for column in COUNTS]
            )
            last = last.with_columns(_key=key).join(table, on="_key", how="left").drop("_key")
            last = last.with_columns(pl.col(f"{name}__{column}").fill_null(0.0) for column in COUNTS)
        last = last.with_columns(shrunk("all", 7, pl.lit(FIRST_RATE), FIRST_TRUST).alias("all__ctr_7d"))
        for name, parent in PARENTS.items():
            last = last.with_columns(shrunk(name, 7, pl.col(f"{parent}__ctr_7d"), TRUST).alias(f"{name}__ctr_7d"))
            last = last.with_columns(shrunk(name, 1, pl.col(f"{name}__ctr_7d"), TRUST).alias(f"{name}__ctr_1d"))
        return last

    def written(table: pl.LazyFrame, name: str) -> pl.LazyFrame:
        table.sink_parquet(out / f"{name}.parquet")
        return pl.scan_parquet(out / f"{name}.parquet")

    def work() -> None:
        rows = written(examples(), "examples")
        learned = written(counts(rows), "counts")
        written(joined(rows, written(features(learned), "features")), "joined")

    return work
