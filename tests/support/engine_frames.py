"""Small frames that an engine is given, and rows as text to compare engines by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAN, INFINITY = float("nan"), float("inf")


def column_of(engine: SparkSession, kind: str, values: list[Any]) -> DataFrame:
    """A row for each value: `id` from 0, and `v` of the SQL type `kind`."""
    return engine.createDataFrame(list(enumerate(values)), f"id int, v {kind}")


def small(engine: SparkSession) -> DataFrame:
    """Six rows with null, NaN, an infinity, and text of either case."""
    rows = [(1, 2.0, "b"), (2, NAN, "a"), (3, None, None), (4, INFINITY, "B"), (5, -1.0, "\u00e9"), (6, 0.0, "z")]
    return engine.createDataFrame(rows, "id int, v double, s string")


def plain(frame: DataFrame) -> str:
    """The rows as they come, as text."""
    return repr([tuple(row) for row in frame.collect()])
