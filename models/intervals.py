"""Confidence intervals that respect that rows of one user, or of one hour, are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from models.metrics import entropy, row_losses


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits; `clusters` independent groups stand behind it."""

    estimate: float
    low: float
    high: float
    clusters: int


def ne_interval(
    p: np.ndarray, y: np.ndarray, clusters: Sequence[Any] | np.ndarray | pd.Series, level: float = 0.95
) -> Interval | None:
    """The NE with limits by the cluster-robust delta method; None where NE is undefined or below two clusters."""
    return _ratio_interval(row_losses(p, y), y, clusters, level)


def ne_difference_interval(
    challenger: np.ndarray,
    champion: np.ndarray,
    y: np.ndarray,
    clusters: Sequence[Any] | np.ndarray | pd.Series,
    level: float = 0.95,
) -> Interval | None:
    """NE of the challenger minus NE of the champion on the same rows; all below 0 means the challenger is better."""
    return _ratio_interval(row_losses(challenger, y) - row_losses(champion, y), y, clusters, level)


def _ratio_interval(
    losses: np.ndarray, y: np.ndarray, clusters: Sequence[Any] | np.ndarray | pd.Series, level: float
) -> Interval | None:
    """Limits for mean(losses) / entropy(mean(y)).

    Both means are linearised around their values and summed by cluster; the variance is that of the cluster sums,
    with Student's t at clusters - 1 degrees of freedom (Deng et al., "Applying the Delta Method in Metric Analytics",
    2018).
    """
    y = np.asarray(y, dtype=np.float64)
    rate = float(y.mean()) if len(y) else 0.0
    base = entropy(rate)
    codes, groups = pd.factorize(pd.Series(clusters, dtype="object"), use_na_sentinel=False)
    if base == 0.0 or len(groups) < 2:
        return None
    estimate = float(losses.mean()) / base
    slope_of_entropy = np.log((1.0 - rate) / rate)
    influence = (losses - losses.mean() - estimate * slope_of_entropy * (y - rate)) / base / len(y)
    sums = np.bincount(codes, weights=influence, minlength=len(groups))
    deviation = float(np.sqrt(len(groups) / (len(groups) - 1) * np.sum(sums**2)))
    reach = float(student_t.ppf(0.5 + level / 2.0, len(groups) - 1)) * deviation
    return Interval(estimate, estimate - reach, estimate + reach, len(groups))
