"""What each value of a slicing column adds to a change between two sets of impressions, and how sure that is.

A side is the sums of its impressions by value and by bucket of users. Every user is whole in one bucket, so leaving one
bucket out after the other tells what chance does to any figure made of the sums (the delete-a-group jackknife: Kott
2001, "The Delete-a-Group Jackknife", Journal of Official Statistics 17).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

IMPRESSIONS, CLICKS, SCORED, SCORED_CLICKS, EXPECTED, LOSS = range(6)
"""Sums of a side: rows and clicks of all impressions; rows, clicks, predicted clicks and log loss of scored ones."""

SUMS = 6
SMOOTHING = 0.5
"""Impressions added to each value, so that one that came or went has a finite distance."""


@dataclass(frozen=True)
class Split:
    """What each value adds to the change of a mean: by being shown more or less, and by its own mean. Shapes (values,).

    `mix` and `rate` of all values together are the change, exactly.
    """

    mix: np.ndarray
    rate: np.ndarray

    @property
    def whole(self) -> np.ndarray:
        """Both together."""
        return self.mix + self.rate


def split_mean(count: np.ndarray, total: np.ndarray, base_count: np.ndarray, base_total: np.ndarray) -> Split:
    """Split the change of total / count over the values, into mix and rate.

    With share w and mean r of a value, and a bar for the mean of both sides:

        change = sum (w1 - w0) (r_bar - R_bar)  +  sum w_bar (r1 - r0)

    This is Kitagawa's decomposition (1955, "Components of a Difference Between Two Rates", JASA 50); it leaves no
    interaction over. R_bar, the middle of the two overall means, changes no sum, and makes a value that is shown more
    count only for how far it lies from the rest. A value that is missing on one side has there the mean that it has on
    the other: it is all mix.

    Args:
        count, total: impressions, and the sum of what is averaged, by value; shape (values,) or (values, any).
        base_count, base_total: the same of what it is compared with.
    """
    share, base_share = count / count.sum(axis=0), base_count / base_count.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, base_mean = total / count, base_total / base_count
    mean, base_mean = np.where(count > 0, mean, base_mean), np.where(base_count > 0, base_mean, mean)
    mean, base_mean = np.nan_to_num(mean), np.nan_to_num(base_mean)  # on neither side
    overall = (total.sum(axis=0) / count.sum(axis=0) + base_total.sum(axis=0) / base_count.sum(axis=0)) / 2
    mix = (share - base_share) * ((mean + base_mean) / 2 - overall)
    return Split(mix, (share + base_share) / 2 * (mean - base_mean))


def stability_terms(count: np.ndarray, base_count: np.ndarray) -> np.ndarray:
    """What each value adds to the population stability index between two mixes. Shape of the arguments."""
    share = (count + SMOOTHING) / (count + SMOOTHING).sum(axis=0)
    base_share = (base_count + SMOOTHING) / (base_count + SMOOTHING).sum(axis=0)
    return (share - base_share) * np.log(share / base_share)


def without_each_bucket(sums: np.ndarray) -> np.ndarray:
    """The sums with one bucket left out after the other: (values, buckets, SUMS) gives (values, buckets, SUMS)."""
    return sums.sum(axis=1, keepdims=True) - sums


def jackknife_error(replicates: np.ndarray) -> np.ndarray:
    """The standard error of a figure from its values with one bucket left out, along the last axis."""
    buckets = replicates.shape[-1]
    spread = np.square(replicates - replicates.mean(axis=-1, keepdims=True)).sum(axis=-1)
    return np.asarray(np.sqrt((buckets - 1) / buckets * spread))


def chance_of(deviation: np.ndarray | float, error: np.ndarray | float, freedom: int) -> np.ndarray:
    """The two-sided probability that chance alone brings so much, by Student's t; 0 or 1 where there is no error."""
    deviation, error = np.abs(np.asarray(deviation, dtype=float)), np.asarray(error, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.where(error > 0, deviation / error, np.where(deviation > 0, np.inf, 0.0))
    return np.asarray(2.0 * stats.t.sf(distance, max(freedom, 1)))
