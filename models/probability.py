"""The logistic scale: between probabilities and log odds without overflow."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

SMALLEST_PROBABILITY = 1e-6


def clipped(p: np.ndarray) -> np.ndarray:
    """`p` kept within [1e-6, 1 - 1e-6], float64, so that log loss and log odds stay finite."""
    return np.clip(np.asarray(p, dtype=np.float64), SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)


def log_odds(p: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)) of the clipped probabilities; NaN stays NaN."""
    p = clipped(p)
    return np.log(p) - np.log1p(-p)


def probability(logit: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-logit)), float64."""
    return expit(np.asarray(logit, dtype=np.float64))
