"""Mapping raw probabilities to frequencies, fitted on rows that the model did not learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from conf.errors import StoreError
from models.downsampling import shift_to_clicks
from models.probability import log_odds, probability

CalibrationMethod = Literal["identity", "platt", "isotonic"]
ECE_GROUPS = 20
"""Groups of equally many rows, in the order of their predictions, that the expected calibration error compares."""

_SMALLEST_SLOPE = 0.05  # a calibrator may flatten a model, never turn it round
_NEWTON_STEPS = 50


class Calibrator(Protocol):
    """A non-decreasing map from probabilities to probabilities."""

    def apply(self, p: np.ndarray) -> np.ndarray:
        """The calibrated probabilities, float64, shape of `p`."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The whole state, with the key `method`."""
        ...


@dataclass(frozen=True)
class IdentityCalibrator:
    """Leaves probabilities as they are."""

    def apply(self, p: np.ndarray) -> np.ndarray:
        """`p` as float64."""
        return np.asarray(p, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """The method alone."""
        return {"method": "identity"}


@dataclass(frozen=True)
class PlattCalibrator:
    """p' has the log odds slope * log odds of p + shift."""

    slope: float = 1.0
    shift: float = 0.0

    @classmethod
    def fit(cls, p: np.ndarray, y: np.ndarray, strength: float = 10.0) -> PlattCalibrator:
        """Newton's method on the log loss + strength / 2 * ((slope - 1)^2 + shift^2).

        The penalty keeps the map near the identity where there are few clicks. Platt (1999), with He's prior replaced
        by this one.
        """
        x, y = log_odds(p), np.asarray(y, dtype=np.float64)
        state = np.array([1.0, 0.0])
        for _ in range(_NEWTON_STEPS):
            predicted = probability(state[0] * x + state[1])
            error, spread = predicted - y, predicted * (1.0 - predicted)
            gradient = np.array([error @ x, error.sum()]) + strength * (state - np.array([1.0, 0.0]))
            off = spread @ x
            hessian = np.array([[spread @ x**2, off], [off, spread.sum()]]) + strength * np.eye(2)
            step = np.linalg.solve(hessian, gradient)
            state = state - step
            state[0] = max(state[0], _SMALLEST_SLOPE)
            if np.abs(step).max() < 1e-10:
                break
        return cls(float(state[0]), float(state[1]))

    def apply(self, p: np.ndarray) -> np.ndarray:
        """The calibrated probabilities."""
        return probability(self.slope * log_odds(p) + self.shift)

    def to_json(self) -> dict[str, Any]:
        """Method, slope and shift."""
        return {"method": "platt", "slope": self.slope, "shift": self.shift}


@dataclass(frozen=True)
class IsotonicCalibrator:
    """Straight lines between points (`predicted`, `observed`), both non-decreasing; level beyond the ends."""

    predicted: tuple[float, ...]
    observed: tuple[float, ...]

    @classmethod
    def fit(cls, p: np.ndarray, y: np.ndarray, points: int = 200) -> IsotonicCalibrator:
        """Isotonic regression over at most `points` groups of about equal size.

        Grouping and one pseudo-row at the overall rate in each group keep the ends from becoming 0 or 1.
        """
        from sklearn.isotonic import IsotonicRegression

        if not len(y):
            return cls((0.0, 1.0), (0.0, 1.0))
        groups = _grouped(p, y, min(points, max(1, len(y) // 50)))
        observed = (groups.clicks + np.mean(y)) / (groups.rows + 1.0)
        fitted = IsotonicRegression().fit_transform(groups.predicted, observed, sample_weight=groups.rows)
        return cls(tuple(groups.predicted.tolist()), tuple(np.asarray(fitted, dtype=np.float64).tolist()))

    def apply(self, p: np.ndarray) -> np.ndarray:
        """The calibrated probabilities."""
        return np.interp(np.asarray(p, dtype=np.float64), self.predicted, self.observed)

    def to_json(self) -> dict[str, Any]:
        """Method and points."""
        return {"method": "isotonic", "predicted": list(self.predicted), "observed": list(self.observed)}


@dataclass(frozen=True)
class ReliabilityCurve:
    """Groups of rows by predicted probability: mean predicted, share clicked, and size. Shapes (groups,)."""

    predicted: np.ndarray
    observed: np.ndarray
    rows: np.ndarray


def fit_calibrator(method: CalibrationMethod, p: np.ndarray, y: np.ndarray) -> Calibrator:
    """A calibrator of the method, fitted on held-out probabilities and labels. Without rows, the identity."""
    if method == "identity" or not len(y):
        return IdentityCalibrator()
    return PlattCalibrator.fit(p, y) if method == "platt" else IsotonicCalibrator.fit(p, y)


LearnedPart = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""Some of the rows learned from: their probabilities corrected for sampling, labels, and weights if they have any."""


def calibrator_of_sample(
    method: CalibrationMethod, p: np.ndarray, y: np.ndarray, sampling_rate: float, learned: Iterable[LearnedPart]
) -> Calibrator:
    """A calibrator of the method, fitted on held-out rows; without a method, a sample still has its clicks put right.

    `learned` is read only where the clicks have to be put right.
    """
    if method != "identity" or sampling_rate == 1.0:
        return fit_calibrator(method, p, y)
    corrected, labels, weights = zip(*learned, strict=True)
    weighed = [np.ones(len(part)) if found is None else found for part, found in zip(labels, weights, strict=True)]
    q, clicked, weight = (np.concatenate(parts) for parts in (corrected, labels, weighed))
    return PlattCalibrator(shift=shift_to_clicks(q, clicked, weight, sampling_rate))


def calibrator_from_json(state: Mapping[str, Any]) -> Calibrator:
    """The calibrator whose `to_json` gave `state`. An unknown method raises StoreError."""
    match state.get("method"):
        case "identity":
            return IdentityCalibrator()
        case "platt":
            return PlattCalibrator(state["slope"], state["shift"])
        case "isotonic":
            return IsotonicCalibrator(tuple(state["predicted"]), tuple(state["observed"]))
        case other:
            raise StoreError(f"The bundle names the calibration method {other!r}, which this version does not know.")


def reliability_curve(p: np.ndarray, y: np.ndarray, bins: int = 20) -> ReliabilityCurve:
    """Predicted against observed rates in at most `bins` groups of about equal size; equal p stay together."""
    groups = _grouped(p, y, bins)
    return ReliabilityCurve(groups.predicted, groups.clicks / np.maximum(groups.rows, 1), groups.rows)


def expected_calibration_error(p: np.ndarray, y: np.ndarray, bins: int = ECE_GROUPS) -> float | None:
    """The mean over rows of |mean predicted - share clicked| of the row's group, or None without rows."""
    if not len(y):
        return None
    curve = reliability_curve(p, y, bins)
    return float(np.average(np.abs(curve.predicted - curve.observed), weights=curve.rows))


def groups_of(p: np.ndarray, bins: int) -> np.ndarray:
    """The number of each row's group, from 0 in order of p: at most `bins` of about equal size, equal p together.

    Shape of `p`, which must not be empty. A number may have no rows.
    """
    edges = np.unique(np.quantile(p, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    return np.searchsorted(edges, p, side="right")


@dataclass(frozen=True)
class _Groups:
    predicted: np.ndarray
    clicks: np.ndarray
    rows: np.ndarray


def _grouped(p: np.ndarray, y: np.ndarray, bins: int) -> _Groups:
    p, y = np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if not len(p):
        return _Groups(np.empty(0), np.empty(0), np.empty(0, dtype=np.int64))
    group = groups_of(p, bins)
    rows = np.bincount(group)
    predicted, clicks = (np.bincount(group, weights=values) for values in (p, y))
    filled = rows > 0
    return _Groups(predicted[filled] / rows[filled], clicks[filled], rows[filled])
