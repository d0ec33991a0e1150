"""Standard errors that know impressions of one user are not independent."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Estimate:
    """A ratio of two sums over impressions, its standard error, and the clusters behind it."""

    value: float
    error: float
    clusters: int

    def certainty_above(self, bound: float) -> float:
        """One-sided confidence, in 0 to 1, that the true value is greater than `bound`."""
        distance = self.value - bound
        if self.error == 0.0:
            return float(distance > 0)
        return float(stats.t.cdf(distance / self.error, self.clusters - 1))

    def margin(self, confidence: float) -> float:
        """Distance from the value to its one-sided confidence bound, on either side."""
        return float(stats.t.ppf(confidence, self.clusters - 1)) * self.error


def clustered_ratio(numerator: np.ndarray, denominator: np.ndarray, cluster: np.ndarray) -> Estimate:
    """sum(numerator) / sum(denominator), with its cluster-robust error from the delete-one-cluster jackknife.

    With N and D the two sums, N_g and D_g those of cluster g of G, R = N / D and R_g = (N - N_g) / (D - D_g):

        error(R) = sqrt((G - 1) / G * sum (R_g - R)^2)

    This is the sandwich error called CV3 (MacKinnon, Nielsen, Webb 2023, "Cluster-robust inference: A guide to
    empirical practice", section 3). The plain sandwich, which is the delta method for a ratio of cluster sums, is too
    small where a few users make much of the traffic: it promoted 1.6 % of equal challengers at 0.99. Bounds take
    Student's t with G - 1 degrees of freedom.

    Args:
        numerator, denominator: one number an impression.
        cluster: codes from 0, one an impression.

    Raises:
        ValueError: the denominator does not spread over two clusters at least.
    """
    of_cluster = np.bincount(cluster)
    present = of_cluster > 0
    clusters = int(present.sum())
    above = np.bincount(cluster, weights=numerator)[present]
    below = np.bincount(cluster, weights=denominator)[present]
    total = float(below.sum())
    if clusters < 2 or total == 0.0 or np.any(below == total):
        raise ValueError(f"A clustered error needs a denominator in two clusters; found {total:g} in {clusters}.")
    value = float(above.sum()) / total
    moved = (above - value * below) / (total - below)
    return Estimate(value, math.sqrt((clusters - 1) / clusters * float(np.square(moved).sum())), clusters)


def no_surer_than_coins(found: Estimate, p: np.ndarray, weight: float = 1.0) -> Estimate:
    """A mean over impressions, its error at least what clicks thrown as coins of the probabilities `p` would give it.

    Rows without a single click show no spread of their own. `weight` is what a click counts for in the mean.
    """
    coins = weight * float(np.sqrt(np.sum(p * (1.0 - p)))) / len(p)
    return replace(found, error=max(found.error, coins))
