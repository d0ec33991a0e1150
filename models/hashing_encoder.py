"""Rows as a sparse matrix for the linear model: hashed categories and crosses, scaled and binned numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse

from models.arrow_values import column_of, float_matrix, hashes_of, mixed, salt_of
from models.batches import Batches
from models.bounds import Bits, Count, CountOrNone, Seed
from models.columns import FeatureColumns
from models.probability import log_odds
from models.row_sample import RowSample

# Numbers are dense and buckets are rare. At deviation 1 the solver spends its steps on the numbers; at 0.3 it reached
# in 40 steps what took 60.
_DEVIATION = 0.3

# A bin only has to say where the effect of a number is bent. Entered as 1 it would be penalised 25 times less, and some
# hundred bins then learn the noise of a short log.
_BIN_VALUE = 0.2


@dataclass(frozen=True)
class HashingSettings:
    """`bits`: categories share 2**bits columns. `bins`: quantile bins a number, 0 for none."""

    bits: Bits = 18
    bins: CountOrNone = 24
    sample_rows: Count = 50_000
    seed: Seed = 7


@dataclass(frozen=True)
class HashingEncoder:
    """Three blocks of columns: one scaled column a number, then the one-hot bins of each number, then 2**bits buckets.

    Numbers have mean 0 and deviation 0.3, rates as log odds, counts as log(1 + count). A missing number is 0 in the
    first block and has a bin of its own in the second, where a row's bin is 0.2. A pair of `rate_evidence` adds the
    centred log odds of the rate times the log count, so that a rate with much behind it can weigh more. Categories that
    collide share a weight.
    """

    columns: FeatureColumns
    settings: HashingSettings
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    edges: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(cls, batches: Batches, columns: FeatureColumns, settings: HashingSettings | None = None) -> HashingEncoder:
        """Means, deviations and quantiles from a uniform sample of the rows, taken in one pass."""
        settings = settings or HashingSettings()
        sample = RowSample(len(columns.measured), settings.sample_rows, settings.seed)
        for batch in batches:
            sample.add(_on_linear_scale(batch, columns))
        measured = [_present(sample.rows[:, position]) for position in range(len(columns.measured))]
        centres = tuple(float(values.mean()) if len(values) else 0.0 for values in measured)
        pairs = [_present(_evidence(sample.rows, columns, np.array(centres), pair)) for pair in columns.rate_evidence]
        scales = tuple(_scale(values) for values in (*measured, *pairs))
        return cls(columns, settings, centres, scales, tuple(_edges(values, settings.bins) for values in measured))

    @property
    def width(self) -> int:
        """The number of columns of the matrix."""
        return self._first_bucket + 2**self.settings.bits

    @cached_property
    def _bin_starts(self) -> np.ndarray:
        widths = [len(edges) + 2 for edges in self.edges] if self.settings.bins else []
        return len(self.scales) + np.cumsum([0, *widths])

    @property
    def _first_bucket(self) -> int:
        return int(self._bin_starts[-1])

    def encode(self, batch: pa.RecordBatch) -> sparse.csr_matrix:
        """The rows as a float32 CSR matrix, shape (rows, width)."""
        measured = _on_linear_scale(batch, self.columns)
        scaled, bins = self._scaled(measured), self._bins(measured)
        indices = np.concatenate(
            [
                np.broadcast_to(np.arange(scaled.shape[1], dtype=np.int32), scaled.shape),
                bins,
                self._buckets(batch),
            ],
            axis=1,
        )
        values = np.ones(indices.shape, dtype=np.float32)
        values[:, : scaled.shape[1]] = scaled
        values[:, scaled.shape[1] : scaled.shape[1] + bins.shape[1]] = _BIN_VALUE
        starts = np.arange(batch.num_rows + 1, dtype=np.int32) * indices.shape[1]
        return sparse.csr_matrix((values.ravel(), indices.ravel(), starts), shape=(batch.num_rows, self.width))

    def _scaled(self, measured: np.ndarray) -> np.ndarray:
        centres = np.array(self.centres)
        pairs = [_evidence(measured, self.columns, centres, pair) for pair in self.columns.rate_evidence]
        numbers = np.column_stack([measured - centres, *pairs]) / np.array(self.scales)
        return np.nan_to_num(numbers, nan=0.0).clip(-8.0, 8.0) * _DEVIATION

    def _bins(self, measured: np.ndarray) -> np.ndarray:
        if not self.settings.bins:
            return np.empty((len(measured), 0), dtype=np.int32)
        bins = np.empty(measured.shape, dtype=np.int32)
        for position, edges in enumerate(self.edges):
            values = measured[:, position]
            inside = np.searchsorted(np.array(edges), values, side="right")
            bins[:, position] = self._bin_starts[position] + np.where(np.isnan(values), len(edges) + 1, inside)
        return bins

    def _buckets(self, batch: pa.RecordBatch) -> np.ndarray:
        hashes = {name: hashes_of(column_of(batch, name), name) for name in self.columns.categorical}
        hashed = [*hashes.values(), *(self._crossed(hashes, cross) for cross in self.columns.crosses)]
        buckets = np.empty((batch.num_rows, len(hashed)), dtype=np.int32)
        mask = np.uint64(2**self.settings.bits - 1)
        for position, column in enumerate(hashed):
            buckets[:, position] = (column & mask).astype(np.int32) + self._first_bucket
        return buckets

    @staticmethod
    def _crossed(hashes: Mapping[str, np.ndarray], cross: tuple[str, ...]) -> np.ndarray:
        crossed = np.full(len(hashes[cross[0]]), salt_of("\x1f".join(cross)))
        for name in cross:
            crossed = mixed(crossed ^ hashes[name])
        return crossed

    def to_json(self) -> dict[str, Any]:
        """The whole state."""
        return {
            "columns": self.columns.to_json(),
            "settings": {
                "bits": self.settings.bits,
                "bins": self.settings.bins,
                "sample_rows": self.settings.sample_rows,
                "seed": self.settings.seed,
            },
            "centres": list(self.centres),
            "scales": list(self.scales),
            "edges": [list(edges) for edges in self.edges],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> HashingEncoder:
        """The encoder that `to_json` described."""
        return cls(
            FeatureColumns.from_json(state["columns"]),
            HashingSettings(**state["settings"]),
            tuple(state["centres"]),
            tuple(state["scales"]),
            tuple(tuple(edges) for edges in state["edges"]),
        )


def _on_linear_scale(batch: pa.RecordBatch, columns: FeatureColumns) -> np.ndarray:
    """Numbers as they are, log(1 + count), log odds of rates; shape (rows, measured columns)."""
    counts = np.log1p(np.maximum(float_matrix(batch, columns.counts), 0.0))
    rates = log_odds(float_matrix(batch, columns.rates))
    return np.concatenate([float_matrix(batch, columns.numeric), counts, rates], axis=1)


def _evidence(measured: np.ndarray, columns: FeatureColumns, centres: np.ndarray, pair: tuple[str, str]) -> np.ndarray:
    rate, count = (columns.measured.index(name) for name in pair)
    return (measured[:, rate] - centres[rate]) * measured[:, count]


def _present(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _scale(values: np.ndarray) -> float:
    deviation = float(values.std()) if len(values) else 0.0
    return deviation if deviation > 1e-12 else 1.0


def _edges(values: np.ndarray, bins: int) -> tuple[float, ...]:
    if not bins or not len(values):
        return ()
    inner = np.quantile(values, np.linspace(0.0, 1.0, bins + 1)[1:-1])
    return tuple(float(edge) for edge in np.unique(inner))
