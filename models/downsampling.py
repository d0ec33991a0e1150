"""Training on all clicks and a share of the other impressions, and undoing what that does to probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from scipy.optimize import brentq

from conf.errors import SettingsError
from models.arrow_values import column_of, hashes_of
from models.batches import ROW_ID, Batches, labels_of
from models.probability import log_odds, probability


@dataclass(frozen=True)
class DownsampledBatches:
    """All clicks of `source` and about the share `sampling_rate` of its other rows.

    Whether a row is kept depends on its impression id alone, so a row kept once is kept in every window. An
    impression with and without its click is drawn alike. At a rate of 1 the rows pass unread.
    """

    source: Batches
    sampling_rate: float
    salt: str = "downsampling"

    def __post_init__(self) -> None:
        if not 0.0 < self.sampling_rate <= 1.0:
            raise SettingsError(f"The sampling rate is {self.sampling_rate}: it must be above 0 and at most 1.")

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if self.sampling_rate == 1.0:
            yield from self.source
            return
        for batch in self.source:
            drawn = uniform_draws(column_of(batch, ROW_ID), self.salt) < self.sampling_rate
            kept = batch.filter(pa.array(drawn | (labels_of(batch) == 1.0)))
            if kept.num_rows:
                yield kept

    def share(self, part: int, of: int) -> DownsampledBatches:
        """The sample of a share of the source."""
        return replace(self, source=self.source.share(part, of))


def uniform_draws(row_ids: pa.Array, salt: str) -> np.ndarray:
    """A number in [0, 1) for each id, the same for the same id and salt, float64."""
    return (hashes_of(row_ids, salt) >> np.uint64(11)).astype(np.float64) / 2.0**53


def corrected_for_sampling(p: np.ndarray, sampling_rate: float) -> np.ndarray:
    """p(click) among all rows, from p(click) among sampled rows: q = p / (p + (1 - p) / w).

    Source: He et al., "Practical Lessons from Predicting Clicks on Ads at Facebook", 2014, section 6.3.
    """
    return p / (p + (1.0 - p) / sampling_rate)


def shift_to_clicks(corrected: np.ndarray, y: np.ndarray, weights: np.ndarray, sampling_rate: float) -> float:
    """What to add to the log odds of sampled rows' corrected probabilities so that all rows keep their clicks.

    A sampled row without a click stands for 1 / `sampling_rate` of them. A model that learns from all rows promises as
    many clicks as these hold; one that learns from a sample does so among the sampled rows. Penalties keep its log odds
    too close together, and the correction, which bends them, would leave too few clicks among all rows.
    """
    counted = weights * np.where(y == 1.0, 1.0, 1.0 / sampling_rate)
    clicks, logits = float(counted @ y), log_odds(corrected)
    if not 0.0 < clicks < float(counted.sum()):
        return 0.0
    return float(brentq(lambda shift: counted @ probability(logits + shift) - clicks, -20.0, 20.0))
