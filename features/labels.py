"""Labels: which impression was clicked within its attribution window, when that was known, and whether it is final."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from conf.dataset import Dataset

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def counted_clicks(impressions: DataFrame, clicks: DataFrame, window: timedelta) -> DataFrame:
    """Each click joined to its impression, if it counts: from the impression's own time to the end of the window, both
    included. `impressions` has impression_id and event_time, `clicks` impression_id and click_time.
    """
    from pyspark.sql import functions as F

    delay = F.unix_micros("click_time") - F.unix_micros("event_time")
    joined = impressions.join(clicks, on="impression_id", how="inner")
    return joined.where((delay >= 0) & (delay <= _micros(window)))


def _micros(window: timedelta) -> int:
    return window // timedelta(microseconds=1)


def earliest_day_reached(clicks: DataFrame, dataset: Dataset) -> date | None:
    """The earliest day whose impressions the clicks can belong to; None without clicks."""
    from pyspark.sql import functions as F

    opened = F.timestamp_micros(F.unix_micros("click_time") - F.lit(_micros(dataset.window)))
    first = clicks.agg(F.min(F.to_date(F.from_utc_timestamp(opened, dataset.time_zone))).alias("day")).first()
    return None if first is None else first["day"]


def with_first_click(impressions: DataFrame, clicks: DataFrame, window: timedelta) -> DataFrame:
    """Each impression once, with the day its first click that counts arrived (`click_arrived`, null without one).

    `clicks` has impression_id, click_time and dt, the day it arrived.
    """
    from pyspark.sql import functions as F

    shown = impressions.select("impression_id", "event_time")
    counted = counted_clicks(shown, clicks.select("impression_id", "click_time", "dt"), window)
    first = counted.groupBy("impression_id").agg(F.min("dt").alias("click_arrived"))
    return impressions.join(first, on="impression_id", how="left")


def with_inline_click(impressions: DataFrame) -> DataFrame:
    """As with_first_click, for a log whose impressions carry their label: the click arrived with the impression."""
    from pyspark.sql import functions as F

    return impressions.withColumn("click_arrived", F.when(F.col("clicked") == 1, F.col("arrived"))).drop("clicked")


def with_label(impressions: DataFrame, dataset: Dataset, *, final: bool, known_on: date) -> DataFrame:
    """The label columns: `clicked` as known now, `clicked_provisional` as known when the day shown ended.

    `known_on` is the last night whose arrivals the day's labels include; a row that arrived later says so itself.
    """
    from pyspark.sql import functions as F

    clicked = F.col("click_arrived").isNotNull()
    provisional = clicked & (F.greatest("arrived", "click_arrived") <= F.col("dt"))
    return impressions.withColumns(
        {
            "clicked": clicked.cast("int"),
            "clicked_provisional": provisional.cast("int"),
            "final": F.lit(final),
            "known_on": F.greatest(F.lit(known_on), F.col("arrived"), F.col("click_arrived")),
        }
    )
