"""Standard errors that know impressions of one user are not independent."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    """sum(numerator) / sum(denominator), with the cluster-robust (sandwich) error of a ratio.

    With N_g and D_g the sums of cluster g of G, R = sum N_g / sum D_g and r_g = N_g - R D_g:

        error(R) = sqrt(G / (G - 1) * sum r_g^2) / sum D_g

    which is the delta method for a ratio of cluster sums (Deng, Knoblich, Lu 2018, "Applying the Delta Method in
    Metric Analytics", section 3; Cochran 1977, "Sampling Techniques", chapter 6). Bounds take Student's t with G - 1
    degrees of freedom (Cameron, Miller 2015, "A Practitioner's Guide to Cluster-Robust Inference").

    Args:
        numerator, denominator: one number an impression.
        cluster: codes from 0, one an impression.

    Raises:
        ValueError: fewer than two clusters, or a denominator that sums to zero.
    """
    of_cluster = np.bincount(cluster)
    present = of_cluster > 0
    clusters = int(present.sum())
    above = np.bincount(cluster, weights=numerator)[present]
    below = np.bincount(cluster, weights=denominator)[present]
    total = float(below.sum())
    if clusters < 2 or total == 0.0:
        raise ValueError(f"A clustered error needs two clusters and a denominator; found {clusters} and {total}.")
    value = float(above.sum()) / total
    spread = float(np.square(above - value * below).sum())
    return Estimate(value, math.sqrt(clusters / (clusters - 1) * spread) / abs(total), clusters)
