"""Which parsed rows belong to a night: of its days, in time, and not brought before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def of_day(parsed: DataFrame, day: date, span: tuple[date, date] | None) -> DataFrame:
    """The rows of one day.

    With a span, which the first day in the files has, those too whose day is unknown or outside: they are rejected.
    """
    from pyspark.sql import functions as F

    mine = F.col("dt") == F.lit(day)
    if span is None:
        return parsed.where(mine)
    first, last = span
    early = F.when(F.col("dt") < F.lit(first), F.lit(f"dated before {first}, years before most rows"))
    late = F.when(F.col("dt") > F.lit(last), F.lit(f"dated after {last}, years after most rows"))
    stray = parsed.withColumn("_reject", F.coalesce("_reject", early, late))
    return stray.where(mine | F.col("dt").isNull() | (F.col("dt") < F.lit(first)) | (F.col("dt") > F.lit(last)))


def of_next_day(parsed: DataFrame, night: date) -> DataFrame:
    """The next day's usable impressions without their labels. What is wrong with them is the next night's affair."""
    from pyspark.sql import functions as F

    tomorrow = parsed.where((F.col("dt") == F.lit(night + timedelta(days=1))) & F.col("_reject").isNull())
    return tomorrow.drop("clicked") if "clicked" in parsed.columns else tomorrow


def within_reach(parsed: DataFrame, night: date, late_days: int) -> DataFrame:
    """Rows that landed in time; a row from the future, or from too long ago, is rejected."""
    from pyspark.sql import functions as F

    oldest = night - timedelta(days=late_days)
    future = F.when(F.col("dt") > F.lit(night), F.lit(f"dated after {night}, the day it arrived"))
    old = F.when(
        F.col("dt") < F.lit(oldest), F.lit(f"dated before {oldest}, more than {late_days} days before it arrived")
    )
    return parsed.withColumn("_reject", F.coalesce("_reject", future, old))


def with_duplicate_flag(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """`rows` with `_duplicate`: whether an earlier usable row, by file and position, has the same key."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    usable = F.col("_reject").isNull()
    order = Window.partitionBy(usable, *key).orderBy("_file", "_row")
    return rows.withColumn("_duplicate", usable & (F.row_number().over(order) > 1))


def also_known(flagged: DataFrame, known: DataFrame, on: Sequence[str] = ("impression_id",)) -> DataFrame:
    """`flagged` with rows that an earlier night brought marked as duplicates too."""
    from pyspark.sql import functions as F

    marked = known.distinct().withColumn("_known", F.lit(True))
    joined = flagged.join(marked, on=list(on), how="left")
    again = F.col("_duplicate") | (F.coalesce(F.col("_known"), F.lit(False)) & F.col("_reject").isNull())
    return joined.withColumn("_duplicate", again).drop("_known")
