"""Pairs joined to the histories that held when their day began. Training and scoring both come through here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from conf.dataset import Dataset
from conf.features import Recency
from features.histories import ALL, RECENCY_SOURCES, history_keys, key_of, measure_sums, parents, window_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

FIRST_RATE = 0.05
"""Click rate assumed before a single impression is known, and the trust put in it."""
FIRST_TRUST = 20.0


def with_histories(pairs: DataFrame, snapshot: Callable[[str], DataFrame], dataset: Dataset) -> DataFrame:
    """`pairs` with every history feature added.

    `snapshot(history)` yields that history's feature table as of the start of the pairs' day: one row a key. A key
    without history gets zero counts, the rate above it and no recency.
    """
    from pyspark.sql import functions as F

    rated = _with_sums(pairs, snapshot, dataset)
    for name, above in parents(dataset).items():
        rated = rated.withColumns(smoothed_rates(name, above, dataset))
    recency = {
        f"{name}__{what}": _recency(what, F.col(f"{name}__{RECENCY_SOURCES[what]}"))
        for name, history in dataset.histories.items()
        for what in history.recency
    }
    means = {
        f"{name}__mean_{measure}": smoothed_mean(name, measure, dataset)
        for name, history in dataset.histories.items()
        for measure in history.measures
    }
    recent = rated.withColumns(recency | means) if recency or means else rated
    dates = ("last_day", "last_click_day")
    used = [
        f"{name}__{date}" for name in dataset.histories for date in dates if date in _recency_sources(name, dataset)
    ]
    used += [f"{name}__{column}" for name in history_keys(dataset) for column in _sums_needed(name, dataset)]
    return recent.drop(*[f"{name}__key" for name in history_keys(dataset)], *used)


def _with_sums(pairs: DataFrame, snapshot: Callable[[str], DataFrame], dataset: Dataset) -> DataFrame:
    """`pairs` with what their histories' tables hold of them: sums, 0 for a key without history, and last days."""
    from pyspark.sql import functions as F

    joined = pairs
    windows = window_columns(dataset.windows_days)
    for name, keys in history_keys(dataset).items():
        wanted = (*windows, *_sums_needed(name, dataset), *_recency_sources(name, dataset))
        renamed = [F.col(column).alias(f"{name}__{column}") for column in wanted]
        history = snapshot(name).select(F.col("key").alias(f"{name}__key"), *renamed)
        # The history stands on the left, for that side the embedded engine holds in memory: a key and some numbers,
        # where the pairs carry every column that has been joined to them so far.
        joined = history.join(joined, on=key_of(keys) == F.col(f"{name}__key"), how="right")
    return joined.withColumns(
        {
            f"{name}__{column}": F.coalesce(F.col(f"{name}__{column}"), F.lit(0.0))
            for name in history_keys(dataset)
            for column in (*windows, *_sums_needed(name, dataset))
        }
    )


def _sums_needed(name: str, dataset: Dataset) -> tuple[str, ...]:
    """The sums of measures that a history's features need of its table. All means lean on the root's."""
    return (
        measure_sums(dataset)
        if name == ALL
        else tuple(f"sum_{measure}" for measure in dataset.histories[name].measures)
    )


def _recency_sources(name: str, dataset: Dataset) -> tuple[str, ...]:
    """The recency columns that a history's features need of its table."""
    return () if name == ALL else tuple(RECENCY_SOURCES[what] for what in dataset.histories[name].recency)


def _recency(what: Recency, source: Column) -> Column:
    """Days shown, zero for an unknown key; or days from a last day to the pair's, missing where there is none."""
    from pyspark.sql import functions as F

    if what == "active_days":
        return F.coalesce(source, F.lit(0.0))
    return F.datediff("dt", source).cast("double")


def smoothed_rates(name: str, above: Sequence[str], dataset: Dataset) -> dict[str, Column]:
    """Click rates of one history, shrunk by evidence: (clicks + s * rate above) / (impressions + s).

    The longest window leans on the parents' longest window, shorter windows on the history's own longest one. This is
    the posterior mean under a Beta prior with mean "rate above" and weight s (`smoothing`).
    """
    longest = max(dataset.windows_days)
    trust = FIRST_TRUST if name == ALL else dataset.smoothing_of(name)
    own = shrunk(name, longest, rate_above(above, longest), trust)
    rates = {f"{name}__ctr_{longest}d": own}
    if name != ALL:
        for days in dataset.windows_days:
            if days != longest:
                rates[f"{name}__ctr_{days}d"] = shrunk(name, days, own, trust)
    return rates


def smoothed_mean(name: str, measure: str, dataset: Dataset) -> Column:
    """The mean of a measure over a key's earlier impressions, shrunk by evidence towards the mean of all of them."""
    from pyspark.sql import functions as F

    longest, trust = max(dataset.windows_days), F.lit(dataset.smoothing_of(name))
    everyone = F.col(f"{ALL}__impressions_{longest}d")
    overall = F.when(everyone > 0, F.col(f"{ALL}__sum_{measure}") / everyone).otherwise(F.lit(0.0))
    impressions = F.col(f"{name}__impressions_{longest}d")
    return (F.col(f"{name}__sum_{measure}") + trust * overall) / (impressions + trust)


def rate_above(above: Sequence[str], days: int) -> Column:
    """The rate that stands in where a history has no evidence: its parent's, or that of several parents together.

    Several parents' effects add up on the log odds: logit = sum of the parents' logits - (parents - 1) * overall logit,
    which is what they would be if the parents acted independently.
    """
    from pyspark.sql import functions as F

    if not above:
        return F.lit(FIRST_RATE)
    rates = [F.col(f"{parent}__ctr_{days}d") for parent in above]
    if len(rates) == 1:
        return rates[0]
    overall = _log_odds(F.col(f"{ALL}__ctr_{days}d"))
    together = overall
    for rate in rates:
        together = together + _log_odds(rate) - overall
    return F.lit(1.0) / (F.lit(1.0) + F.exp(-together))


def _log_odds(rate: Column) -> Column:
    from pyspark.sql import functions as F

    return F.log(rate / (F.lit(1.0) - rate))


def shrunk(name: str, days: int, above: Column, trust: float) -> Column:
    """One window's click rate, shrunk towards the rate above it."""
    from pyspark.sql import functions as F

    clicks, impressions = F.col(f"{name}__clicks_{days}d"), F.col(f"{name}__impressions_{days}d")
    return (clicks + F.lit(trust) * above) / (impressions + F.lit(trust))
