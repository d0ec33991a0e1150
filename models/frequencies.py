"""Counting the values of a column without holding more than a bounded number of them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


class FrequencyTable:
    """How often each value occurred. Beyond `capacity` values the rarest half is forgotten (lossy counting).

    Counts are exact while a column has no more than `capacity` distinct values, and never too high.
    """

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._counts = pa.table({"value": pa.array([], pa.string()), "count": pa.array([], pa.int64())})
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0

    def add(self, values: pa.Array) -> None:
        """Counts the non-null values of a string column."""
        counted = pc.value_counts(pc.drop_null(values))
        self._waiting.append(pa.table({"value": counted.field("values"), "count": counted.field("counts")}))
        self._waiting_rows += len(counted)
        if self._waiting_rows > self._capacity:
            self._merge()

    def most_frequent(self, at_most: int, min_count: int = 1) -> tuple[str, ...]:
        """The values seen at least `min_count` times, most frequent first, equal counts in order of the text."""
        self._merge()
        frequent = self._counts.filter(pc.field("count") >= min_count)
        return tuple(_ranked(frequent).slice(0, at_most).column("value").to_pylist())

    def _merge(self) -> None:
        summed = pa.concat_tables([self._counts, *self._waiting]).group_by("value").aggregate([("count", "sum")])
        self._counts = summed.rename_columns(["value", "count"])
        self._waiting, self._waiting_rows = [], 0
        if self._counts.num_rows > self._capacity:
            self._counts = _ranked(self._counts).slice(0, self._capacity // 2)


def _ranked(counts: pa.Table) -> pa.Table:
    # The text breaks ties, so the order of the rows has no say.
    return counts.sort_by([("count", "descending"), ("value", "ascending")])
