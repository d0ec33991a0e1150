"""Counting the values of a column without holding more than a bounded number of them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


class FrequencyTable:
    """How often each value occurred. Beyond `capacity` values the rarest half is forgotten (lossy counting).

    Counts are exact while a column has no more than `capacity` distinct values, and never too high.
    """

    def __init__(self, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._counts = pd.Series(dtype="int64")

    def add(self, values: pa.Array) -> None:
        """Counts the non-null values of a string column."""
        counted = pc.value_counts(pc.drop_null(values))
        added = pd.Series(
            counted.field("counts").to_numpy(zero_copy_only=False),
            index=counted.field("values").to_numpy(zero_copy_only=False),
        )
        self._counts = self._counts.add(added, fill_value=0).astype("int64") if len(self._counts) else added
        if len(self._counts) > self._capacity:
            self._counts = self._ranked().iloc[: self._capacity // 2]

    def most_frequent(self, at_most: int, min_count: int = 1) -> tuple[str, ...]:
        """The values seen at least `min_count` times, most frequent first, equal counts in order of the text."""
        ranked = self._ranked().iloc[:at_most]
        return tuple(str(value) for value in ranked[ranked >= min_count].index)

    def _ranked(self) -> pd.Series:
        # Sorting the text first makes ties independent of the order of the rows.
        return self._counts.sort_index().sort_values(ascending=False, kind="stable")
