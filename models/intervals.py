"""Confidence intervals that respect that rows of one user, or of one hour, are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import t as student_t

from models.calibration import ECE_GROUPS, groups_of
from models.metrics import entropy, row_losses

Clusters = Sequence[Any] | np.ndarray | pd.Series
ScoredDay = tuple[np.ndarray, np.ndarray, Clusters]
"""Predictions, labels and clusters of one day's rows."""
ScoredPair = tuple[np.ndarray, np.ndarray, np.ndarray, Clusters]
"""Two models' predictions, labels and clusters of one day's rows."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits; `clusters` independent groups stand behind it."""

    estimate: float
    low: float
    high: float
    clusters: int


def ne_interval(p: np.ndarray, y: np.ndarray, clusters: Clusters, level: float = 0.95) -> Interval | None:
    """The NE with limits by the cluster-robust delta method; None where NE is undefined or below two clusters."""
    return _ratio_interval(row_losses(p, y), y, clusters, level)


def ne_difference_interval(
    challenger: np.ndarray,
    champion: np.ndarray,
    y: np.ndarray,
    clusters: Clusters,
    level: float = 0.95,
) -> Interval | None:
    """NE of the challenger minus NE of the champion on the same rows; all below 0 means the challenger is better."""
    return _ratio_interval(row_losses(challenger, y) - row_losses(champion, y), y, clusters, level)


def mean_ne_interval(days: Sequence[ScoredDay], level: float = 0.95) -> Interval | None:
    """The mean of several days' NE with limits; a cluster that is there on several days counts as one."""
    return _mean_ratio_interval([(row_losses(p, y), y, clusters) for p, y, clusters in days], level)


def mean_ne_difference_interval(days: Sequence[ScoredPair], level: float = 0.95) -> Interval | None:
    """The mean of several days' NE of the first predictions minus NE of the second; below 0 the first are better."""
    losses = [(row_losses(one, y) - row_losses(other, y), y, clusters) for one, other, y, clusters in days]
    return _mean_ratio_interval(losses, level)


def ece_interval(
    p: np.ndarray, y: np.ndarray, clusters: Clusters, level: float = 0.95, draws: int = 2000, seed: int = 7
) -> Interval | None:
    """The expected calibration error with limits, low never below 0; None below two clusters.

    Chance alone makes the error of a group positive, so the estimate is too large on few rows; the limits know that.
    They are the smallest and the largest error, of groups off in proportion as these are, that would be estimated this
    high, and this low, in the tail of `level`: noise is drawn from the normal distribution with the covariance of the
    cluster sums of predicted minus clicked by group. The same rows give the same limits.
    """
    codes, names = pd.factorize(pd.Series(clusters, dtype="object"), use_na_sentinel=False)
    if len(names) < 2:
        return None
    group = groups_of(p, ECE_GROUPS)
    excess = np.asarray(p, dtype=np.float64) - np.asarray(y, dtype=np.float64)
    sums = np.bincount(group, weights=excess, minlength=ECE_GROUPS)
    by_cluster = sparse.csr_matrix((excess, (codes, group)), shape=(len(names), ECE_GROUPS))
    covariance = (by_cluster.T @ by_cluster).toarray() * len(names) / (len(names) - 1)
    noise = np.random.default_rng(seed).multivariate_normal(np.zeros(ECE_GROUPS), covariance, draws, method="eigh")
    estimate = float(np.abs(sums).sum()) / len(group)
    multiples = np.linspace(0.0, 3.0, 31)
    tails = [0.5 - level / 2.0, 0.5 + level / 2.0]
    likely = np.array([np.quantile(np.abs(m * sums + noise).sum(axis=1), tails) for m in multiples]) / len(group)
    lowest, highest = likely.T
    low, high = (float(np.interp(estimate, reached, multiples)) * estimate for reached in (highest, lowest))
    return Interval(estimate, low, high, len(names))


def _ratio_interval(losses: np.ndarray, y: np.ndarray, clusters: Clusters, level: float) -> Interval | None:
    return _mean_ratio_interval([(losses, y, clusters)], level)


def _mean_ratio_interval(parts: Sequence[tuple[np.ndarray, np.ndarray, Clusters]], level: float) -> Interval | None:
    """Limits for the mean over parts of mean(losses) / entropy(mean(y)).

    Each part's means are linearised around their values and summed by cluster; the variance is that of the cluster
    sums, with Student's t at clusters - 1 degrees of freedom (Deng et al., "Applying the Delta Method in Metric
    Analytics", 2018).
    """
    everyone = pd.concat([pd.Series(clusters, dtype="object") for *_, clusters in parts]) if parts else pd.Series()
    codes, groups = pd.factorize(everyone, use_na_sentinel=False)
    found = [_ratio_and_influence(losses, np.asarray(y, dtype=np.float64)) for losses, y, _ in parts]
    if len(groups) < 2 or any(part is None for part in found):
        return None
    ratios, influences = zip(*(part for part in found if part is not None), strict=True)
    sums = np.bincount(codes, weights=np.concatenate(influences) / len(parts), minlength=len(groups))
    deviation = float(np.sqrt(len(groups) / (len(groups) - 1) * np.sum(sums**2)))
    reach = float(student_t.ppf(0.5 + level / 2.0, len(groups) - 1)) * deviation
    estimate = float(np.mean(ratios))
    return Interval(estimate, estimate - reach, estimate + reach, len(groups))


def _ratio_and_influence(losses: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray] | None:
    """mean(losses) / entropy(mean(y)) and what each row adds to it; None where the entropy is zero."""
    rate = float(y.mean()) if len(y) else 0.0
    base = entropy(rate)
    if base == 0.0:
        return None
    ratio = float(losses.mean()) / base
    slope_of_entropy = np.log((1.0 - rate) / rate)
    return ratio, (losses - losses.mean() - ratio * slope_of_entropy * (y - rate)) / base / len(y)
