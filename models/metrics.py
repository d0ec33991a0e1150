"""How good click probabilities are: normalised entropy, AUC, calibration. All take p and y of shape (rows,)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from models.calibration import expected_calibration_error
from models.probability import clipped

MOST_VALUES = 100
OTHERS = "other values"


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one set of predictions; None where one is undefined: no rows, no click, nothing but clicks."""

    impressions: int
    clicks: int
    ctr: float | None
    ne: float | None
    auc: float | None
    log_loss: float | None
    calibration_ratio: float | None
    ece: float | None


@dataclass(frozen=True)
class SliceEvaluation:
    """The metrics of the rows that share one value of one slicing column."""

    slice_name: str
    slice_value: str
    evaluation: Evaluation


def row_losses(p: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The log loss of each row in nats, float64, with p clipped to [1e-6, 1 - 1e-6]."""
    p, y = clipped(p), np.asarray(y, dtype=np.float64)
    return -(y * np.log(p) + (1.0 - y) * np.log1p(-p))


def log_loss(p: np.ndarray, y: np.ndarray) -> float | None:
    """The mean log loss in nats, or None without rows."""
    return float(row_losses(p, y).mean()) if len(y) else None


def entropy(rate: float) -> float:
    """The entropy of a click rate in nats: the log loss of predicting just that rate."""
    if rate in (0.0, 1.0):
        return 0.0
    return float(-(rate * np.log(rate) + (1.0 - rate) * np.log1p(-rate)))


def normalised_entropy(p: np.ndarray, y: np.ndarray) -> float | None:
    """Log loss / entropy of the base rate of y (He et al. 2014, section 2). 1 is no better than the base rate."""
    base = entropy(float(np.mean(y))) if len(y) else 0.0
    return float(row_losses(p, y).mean()) / base if base > 0.0 else None


def auc(p: np.ndarray, y: np.ndarray) -> float | None:
    """The probability that a clicked row scores above one that was not, ties counting half."""
    clicked = np.asarray(y) == 1
    clicks, others = int(clicked.sum()), int((~clicked).sum())
    if not clicks or not others:
        return None
    ranks = rankdata(p)[clicked].sum()
    return float((ranks - clicks * (clicks + 1) / 2.0) / clicks / others)


def calibration_ratio(p: np.ndarray, y: np.ndarray) -> float | None:
    """Sum of predicted / sum of observed clicks, or None without a click. Above 1: too many clicks promised."""
    clicks = float(np.sum(y))
    return float(np.sum(p)) / clicks if clicks else None


def evaluation(p: np.ndarray, y: np.ndarray) -> Evaluation:
    """All metrics of one set of predictions: to the last digit the same, in whatever order its rows come."""
    p, y = np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64)
    # What is added up in another order has other last digits, and a calibration error near nought hardly any but those.
    order = np.lexsort((y, p))
    p, y = p[order], y[order]
    return Evaluation(
        impressions=len(y),
        clicks=int(y.sum()),
        ctr=float(y.mean()) if len(y) else None,
        ne=normalised_entropy(p, y),
        auc=auc(p, y),
        log_loss=log_loss(p, y),
        calibration_ratio=calibration_ratio(p, y),
        ece=expected_calibration_error(p, y),
    )


def evaluation_by_slice(
    p: np.ndarray, y: np.ndarray, slices: Mapping[str, Sequence[Any] | np.ndarray | pd.Series]
) -> tuple[SliceEvaluation, ...]:
    """All metrics for each value of each slicing column, in order of the value's text; null reads "missing"."""
    p, y = np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64)
    found = []
    for name, values in slices.items():
        column = pd.Series(values, dtype="object").reset_index(drop=True)
        texts = most_frequent(column.where(column.notna(), "missing").astype(str))
        for value, rows in sorted(texts.groupby(texts, sort=False).indices.items()):
            found.append(SliceEvaluation(name, str(value), evaluation(p[rows], y[rows])))
    return tuple(found)


def most_frequent(texts: pd.Series) -> pd.Series:
    """The texts, but "other values" for those beyond the `MOST_VALUES` most frequent ones: a column may hold a million,
    and hardly any of them the rows for a figure. Of equally frequent ones the first in order stay.
    """
    counts = texts.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return texts if len(counts) <= MOST_VALUES else texts.where(texts.isin(counts.index[:MOST_VALUES]), OTHERS)
