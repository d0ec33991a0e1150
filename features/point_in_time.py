"""Pairs joined to the histories that held when their day began. Training and scoring both come through here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conf.dataset import Dataset
from features.histories import ALL, history_keys, key_of, parents, window_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

FIRST_RATE = 0.05
"""Click rate assumed before a single impression is known, and the trust put in it."""
FIRST_TRUST = 20.0


def with_histories(pairs: DataFrame, snapshot: Callable[[str], DataFrame], dataset: Dataset) -> DataFrame:
    """`pairs` with every history feature added.

    `snapshot(history)` yields that history's feature table as of the start of the pairs' day: one row a key. A key
    without history gets zero counts, its parent's rate and no recency.
    """
    from pyspark.sql import functions as F

    joined = pairs
    windows = window_columns(dataset.windows_days)
    for name, keys in history_keys(dataset).items():
        renamed = [F.col(column).alias(f"{name}__{column}") for column in (*windows, "last_day")]
        history = snapshot(name).select(F.col("key").alias(f"{name}__key"), *renamed)
        joined = joined.join(history, on=key_of(keys) == F.col(f"{name}__key"), how="left")
    filled = joined.withColumns(
        {
            f"{name}__{column}": F.coalesce(F.col(f"{name}__{column}"), F.lit(0.0))
            for name in history_keys(dataset)
            for column in windows
        }
    )
    rated = filled
    for name, parent in parents(dataset).items():
        rated = rated.withColumns(smoothed_rates(name, parent, dataset))
    recent = rated.withColumns(
        {
            f"{name}__days_since": F.datediff("dt", F.col(f"{name}__last_day")).cast("double")
            for name in dataset.histories
        }
    )
    dropped = [f"{name}__{column}" for name in history_keys(dataset) for column in ("key", "last_day")]
    return recent.drop(*dropped)


def smoothed_rates(name: str, parent: str | None, dataset: Dataset) -> dict[str, Column]:
    """Click rates of one history, shrunk by evidence: (clicks + s * rate above) / (impressions + s).

    The longest window leans on the parent's longest window, shorter windows on the history's own longest one. This is
    the posterior mean under a Beta prior with mean "rate above" and weight s (`smoothing`).
    """
    from pyspark.sql import functions as F

    longest = max(dataset.windows_days)
    above = F.lit(FIRST_RATE) if parent is None else F.col(f"{parent}__ctr_{longest}d")
    trust = FIRST_TRUST if parent is None else dataset.smoothing
    rates = {}
    own = shrunk(name, longest, above, trust)
    rates[f"{name}__ctr_{longest}d"] = own
    if name != ALL:
        for days in dataset.windows_days:
            if days != longest:
                rates[f"{name}__ctr_{days}d"] = shrunk(name, days, own, dataset.smoothing)
    return rates


def shrunk(name: str, days: int, above: Column, trust: float) -> Column:
    """One window's click rate, shrunk towards the rate above it."""
    from pyspark.sql import functions as F

    clicks, impressions = F.col(f"{name}__clicks_{days}d"), F.col(f"{name}__impressions_{days}d")
    return (clicks + F.lit(trust) * above) / (impressions + F.lit(trust))
