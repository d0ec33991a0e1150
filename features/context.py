"""What a pair is and what is known of it without any history: its identity, attributes and calendar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from conf.dataset import Dataset

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def pair_id(dataset: Dataset) -> Column:
    """What joins a prediction to its impressions: user, ad and the context known at scoring.

    A replayed log scores each impression by itself, so there the pair is the impression.
    """
    from pyspark.sql import functions as F

    if dataset.replayed:
        return F.col("impression_id")
    texts = {column: F.col(column) for column in (*dataset.user_and_ad, *dataset.pair_columns.categorical)}
    # The engines write a number differently as text (10000000.0 or 1.0E7), but hash it alike.
    numbers = {
        column: F.when(F.col(column).isNotNull(), F.xxhash64(column).cast("string"))
        for column in dataset.pair_columns.numeric
    }
    parts = [F.coalesce(part, F.lit("\u2400")) for part in (texts | numbers).values()]
    return F.concat_ws("\u241f", *parts)


def with_attributes(pairs: DataFrame, attributes: Callable[[str], DataFrame], dataset: Dataset) -> DataFrame:
    """`pairs` with the attributes of their keys. `attributes(name)` yields one row a key, as known before the day.

    Dates become ages in days on the pair's day.
    """
    from pyspark.sql import functions as F

    joined = pairs
    for name, table in dataset.attributes.items():
        wanted = attributes(name).select(table.key, *table.columns.all, *table.dates)
        joined = joined.join(wanted, on=table.key, how="left")
        ages = {f"{column}_age_days": F.datediff("dt", column).cast("double") for column in table.dates}
        joined = joined.withColumns(ages).drop(*table.dates) if ages else joined
    return joined


def with_calendar(pairs: DataFrame, dataset: Dataset) -> DataFrame:
    """`pairs` with the weekday of their day and, where the time of a pair is known, its local hour."""
    from pyspark.sql import functions as F

    calendar = {"weekday": F.date_format("dt", "E")}
    if dataset.replayed:
        local = F.from_utc_timestamp("event_time", dataset.time_zone)
        calendar["hour"] = F.hour(local).cast("string")
    return pairs.withColumns(calendar)


def band(value: Column, edges: Sequence[float]) -> Column:
    """The band that a number lies in, as text: `<7`, `7..10` (the lower edge included), `>=10`. Null stays null."""
    from pyspark.sql import functions as F

    names = [f"{low:g}..{high:g}" for low, high in pairwise(edges)]
    found = F.when(value < F.lit(edges[0]), F.lit(f"<{edges[0]:g}"))
    for high, name in zip(edges[1:], names, strict=True):
        found = found.when(value < F.lit(high), F.lit(name))
    return found.when(value.isNotNull(), F.lit(f">={edges[-1]:g}"))


def first_part(value: Column, separator: str) -> Column:
    """The text before the first separator, without blanks around it; null where nothing is left."""
    from pyspark.sql import functions as F

    return F.nullif(F.trim(F.substring_index(value, separator, 1)), F.lit(""))


def with_derived(pairs: DataFrame, dataset: Dataset) -> DataFrame:
    """`pairs` with the columns that the data set derives from context and attributes."""
    from pyspark.sql import functions as F

    derived = {
        name: band(F.col(rule.column), rule.edges) if rule.edges else first_part(F.col(rule.column), rule.first_of)
        for name, rule in dataset.derived.items()
    }
    return pairs.withColumns(derived) if derived else pairs


def with_context(pairs: DataFrame, attributes: Callable[[str], DataFrame], dataset: Dataset) -> DataFrame:
    """`pairs` with everything that needs no history."""
    described = with_derived(with_attributes(pairs, attributes, dataset), dataset)
    return with_calendar(described, dataset)
