"""Click histories: what each night learned of a key, summed over windows as of the start of a day.

A night's counts are the *change* that its arrivals made: an impression counts on the night it arrived, a click on the
night when both it and its impression had arrived. Summing the nights before a day therefore gives exactly what was
known when that day began, whatever arrives later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from conf.dataset import Dataset
from conf.features import Recency

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

ALL = "all"
"""The history without keys: every impression. It is the root of every chain of parents."""

KEY_SEPARATOR = "\u241f"
"""Stands between the parts of a combined key: visible to a reader, and not to be expected in an id."""


def history_keys(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Key columns of each history, the root first."""
    return {ALL: ()} | {name: history.keys for name, history in dataset.histories.items()}


def parents(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """The histories that each one falls back on; the root has none. Parents come before their children."""
    above: dict[str, tuple[str, ...]] = {ALL: ()}
    for name in dataset.histories:
        for ancestor in (*dataset.ancestors(name), name):
            above.setdefault(ancestor, dataset.histories[ancestor].above or (ALL,))
    return above


def window_columns(windows: Sequence[int]) -> tuple[str, ...]:
    """Count columns of a feature table: impressions and clicks for each window."""
    return tuple(f"{what}_{days}d" for days in windows for what in ("impressions", "clicks"))


DAYS_A_NUMBER = 52
"""Days that are kept as bits of one number, which must be exact as a double."""

RECENCY_COLUMNS = {"last_day": "date", "last_click_day": "date", "active_days": "double"}
"""Recency columns of a feature table, with their types. They look at the longest window."""

RECENCY_SOURCES: dict[Recency, str] = {
    "days_since": "last_day",
    "days_since_click": "last_click_day",
    "active_days": "active_days",
}
"""The column of a feature table that each recency feature comes from."""


def count_feature_names(dataset: Dataset) -> tuple[str, ...]:
    """Evidence features: `<history>__impressions_<n>d` and `<history>__clicks_<n>d`."""
    columns = window_columns(dataset.windows_days)
    return tuple(f"{name}__{column}" for name in dataset.histories for column in columns)


def rate_feature_names(dataset: Dataset) -> tuple[str, ...]:
    """Smoothed click rates: `<history>__ctr_<n>d`, and the overall rate."""
    longest = max(dataset.windows_days)
    rates = tuple(f"{name}__ctr_{days}d" for name in dataset.histories for days in dataset.windows_days)
    return (f"{ALL}__ctr_{longest}d", *rates)


def recency_feature_names(dataset: Dataset) -> tuple[str, ...]:
    """What each history's `recency` asks for, as `<history>__<recency>`.

    Days since a key was last shown or last clicked are missing where it never was in the longest window.
    """
    return tuple(f"{name}__{what}" for name, history in dataset.histories.items() for what in history.recency)


def measure_sums(dataset: Dataset) -> tuple[str, ...]:
    """Columns of daily counts and feature tables that hold sums of measures: `sum_<measure>`."""
    return tuple(f"sum_{name}" for name in dataset.impressions.measures)


def measure_feature_names(dataset: Dataset) -> tuple[str, ...]:
    """Smoothed means of earlier days' measures: `<history>__mean_<measure>`, for each that a history names."""
    return tuple(
        f"{name}__mean_{measure}" for name, history in dataset.histories.items() for measure in history.measures
    )


def history_feature_names(dataset: Dataset) -> tuple[str, ...]:
    """Every feature that comes from histories, in the order of the tables' columns."""
    clicks = count_feature_names(dataset) + rate_feature_names(dataset) + recency_feature_names(dataset)
    return clicks + measure_feature_names(dataset)


def key_of(columns: Sequence[str]) -> Column:
    """A history's key as one string; null where a part of it is missing."""
    from pyspark.sql import functions as F

    if not columns:
        return F.lit(ALL)
    if len(columns) == 1:
        return F.col(columns[0])
    parts = [part for column in columns for part in (F.lit(KEY_SEPARATOR), F.col(column))][1:]
    return F.concat(*parts)  # concat, unlike concat_ws, is null when a part is null


def counts_learned(examples: DataFrame, night: date, dataset: Dataset) -> DataFrame:
    """What `night` learned: changes of impressions, clicks and measures by history, key and day shown.

    An outcome is known on the night its impression arrived, for it comes with it.

    `examples` must hold every day that an arrival of this night can touch.
    """
    from pyspark.sql import functions as F

    learned = F.lit(night)
    arrived_now = F.col("arrived") == learned
    # Without the first condition `greatest` would take the impression's own day for want of a click.
    click_known_now = F.col("click_arrived").isNotNull() & (F.greatest("arrived", "click_arrived") == learned)
    touched = examples.where(arrived_now | click_known_now)
    measures = tuple(dataset.impressions.measures)
    summed_columns = ("impressions", "clicks", *measure_sums(dataset))
    counts = []
    for name, keys in history_keys(dataset).items():
        keyed = touched.select(
            "dt",
            key_of(keys).alias("key"),
            arrived_now.cast("long").alias("impressions"),
            click_known_now.cast("long").alias("clicks"),
            *[_measured_now(name, measure, arrived_now, dataset).alias(f"sum_{measure}") for measure in measures],
        )
        known = keyed.where(F.col("key").isNotNull())
        summed = known.groupBy("dt", "key").agg(*[F.sum(column).alias(column) for column in summed_columns])
        counts.append(
            summed.select(learned.alias("known_on"), "dt", F.lit(name).alias("history"), "key", *summed_columns)
        )
    united = counts[0]
    for more in counts[1:]:
        united = united.unionByName(more)
    return united


def _measured_now(history: str, measure: str, arrived_now: Column, dataset: Dataset) -> Column:
    """What an impression adds to a sum on the night it arrived: for the root, and histories that keep the measure."""
    from pyspark.sql import functions as F

    if history != ALL and measure not in dataset.histories[history].measures:
        return F.lit(0.0)
    return F.when(arrived_now, F.coalesce(F.col(measure), F.lit(0.0))).otherwise(F.lit(0.0))


def windowed(counts: DataFrame, as_of: date, windows: Sequence[int], measures: Sequence[str] = ()) -> DataFrame:
    """Sums of day counts over windows that end with the day before `as_of`, by history and key.

    A window of n days holds the days shown from `as_of` - n up to the day before `as_of`, as known before `as_of`.
    The columns `measures` are summed over the longest window.
    """
    from pyspark.sql import functions as F

    known = counts.where((F.col("known_on") < F.lit(as_of)) & (F.col("dt") < F.lit(as_of)))
    recent = known.where(F.col("dt") >= F.lit(as_of - timedelta(days=max(windows))))
    sums = []
    for days in windows:
        inside = F.col("dt") >= F.lit(as_of - timedelta(days=days))
        for what in ("impressions", "clicks"):
            sums.append(F.sum(F.when(inside, F.col(what)).otherwise(0)).cast("double").alias(f"{what}_{days}d"))
    recency = (
        F.max("dt").alias("last_day"),
        F.max(F.when(F.col("clicks") > 0, F.col("dt"))).alias("last_click_day"),
        _active_days(as_of, max(windows)).alias("active_days"),
    )
    sums += [F.sum(measure).alias(measure) for measure in measures]
    grouped = recent.groupBy("history", "key").agg(*sums, *recency)
    columns = (*window_columns(windows), *measures, *RECENCY_COLUMNS)
    return grouped.select(F.lit(as_of).alias("dt"), "history", "key", *columns)


def _active_days(as_of: date, longest: int) -> Column:
    """How many days of the `longest` before `as_of` there are in a group, as double.

    Each day is a bit of a number. To count distinct days took three times as long as everything else about a window.
    """
    from pyspark.sql import functions as F

    age = F.datediff(F.lit(as_of), F.col("dt")) - 1
    days = F.lit(0)
    for first in range(0, longest, DAYS_A_NUMBER):
        bit = F.when((age >= first) & (age < first + DAYS_A_NUMBER), F.pow(F.lit(2.0), age - first).cast("long"))
        days = days + F.coalesce(F.bit_count(F.bit_or(bit)), F.lit(0))
    return days.cast("double")
