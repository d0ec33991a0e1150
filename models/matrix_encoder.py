"""Rows as a dense matrix for trees: categories as codes by frequency, numbers as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conf.bounds import LARGEST
from models.arrow_values import column_of, floats_of, text_of
from models.batches import Batches
from models.bounds import Count, CountOrNone
from models.columns import FeatureColumns
from models.frequencies import FrequencyTable

MISSING = -2 * LARGEST
"""Less than any value that is not missing."""


@dataclass(frozen=True)
class MatrixSettings:
    """`max_categories` bounds the codes of one column, the code for "other" included."""

    max_categories: Count = 256
    min_category_count: CountOrNone = 1
    counted_values: Count = 200_000


@dataclass(frozen=True)
class MatrixEncoder:
    """Columns in the order categorical, numeric, counts, rates.

    A category's code is its rank by frequency in the training rows; a value outside `categories`, unseen ones
    included, gets the next code. Trees split the ranks as quantities, common values from rare ones: splits into
    arbitrary sets of categories learned more noise and took twice the time. Counts become log(1 + count).

    What is missing, null or not a finite number, becomes `missing`: smaller than every value, so that a split can set
    it apart. NaN would do as well, but a matrix with holes takes XGBoost twice the time and four bytes a cell for one.
    """

    columns: FeatureColumns
    categories: Mapping[str, tuple[str, ...]]
    missing: float = MISSING

    @classmethod
    def fit(cls, batches: Batches, columns: FeatureColumns, settings: MatrixSettings | None = None) -> MatrixEncoder:
        """Counts the categories in one pass over the rows, holding a bounded number of values a column."""
        settings = settings or MatrixSettings()
        tables = {name: FrequencyTable(settings.counted_values) for name in columns.categorical}
        for batch in batches:
            for name, table in tables.items():
                table.add(text_of(column_of(batch, name)))
        kept = {
            name: table.most_frequent(settings.max_categories - 1, settings.min_category_count)
            for name, table in tables.items()
        }
        return cls(columns, kept)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the matrix's columns."""
        return self.columns.all

    @cached_property
    def _value_sets(self) -> dict[str, pa.Array]:
        return {name: pa.array(values, pa.string()) for name, values in self.categories.items()}

    def encode(self, batch: pa.RecordBatch) -> np.ndarray:
        """The rows as float32, shape (rows, features); a column's values lie side by side in memory, as in Arrow."""
        matrix = np.empty((len(self.feature_names), batch.num_rows), dtype=np.float32)
        for position, name in enumerate(self.feature_names):
            column = column_of(batch, name)
            if name in self._value_sets:
                matrix[position] = self._codes(text_of(column), self._value_sets[name])
            elif name in self.columns.counts:
                matrix[position] = np.log1p(np.maximum(floats_of(column), 0.0))
            else:
                matrix[position] = floats_of(column)
        matrix[np.isnan(matrix)] = self.missing
        return matrix.T

    @staticmethod
    def _codes(values: pa.Array, value_set: pa.Array) -> np.ndarray:
        codes = pc.cast(pc.index_in(values, value_set=value_set), pa.float32())
        other = pa.scalar(float(len(value_set)), pa.float32())
        null = pa.scalar(float("nan"), pa.float32())
        return pc.if_else(pc.is_null(values), null, pc.fill_null(codes, other)).to_numpy(zero_copy_only=False)

    def to_json(self) -> dict[str, Any]:
        """The whole state."""
        return {
            "columns": self.columns.to_json(),
            "categories": {name: list(values) for name, values in self.categories.items()},
            "missing": self.missing,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> MatrixEncoder:
        """The encoder that `to_json` described. Those of earlier versions name no `missing`: with them it was NaN."""
        categories = {name: tuple(values) for name, values in state["categories"].items()}
        return cls(FeatureColumns.from_json(state["columns"]), categories, state.get("missing", math.nan))
