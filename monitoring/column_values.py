"""Columns made comparable: NumPy types, one spelling of a category on both sides, few categories, bars to draw."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from conf.bounds import LARGEST
from monitoring.measures import Distribution

MISSING = "(missing)"
OTHER = "(other)"
TOP_CATEGORIES = 20
DRAWN_CATEGORIES = 10
DRAWN_BINS = 24
LEAST_POSITIVE_SHARE = 0.9
LEAST_VALUES_OF_A_SHAPE = 10


def numeric_values(column: pd.Series) -> pd.Series:
    """The column as float64, at most LARGEST either way; whatever is no finite number becomes NaN."""
    numbers = pd.to_numeric(column, errors="coerce").astype("Float64").to_numpy(dtype="float64", na_value=np.nan)
    return pd.Series(np.where(np.isfinite(numbers), np.clip(numbers, -LARGEST, LARGEST), np.nan))


def category_values(column: pd.Series) -> pd.Series:
    """The column as strings, None where missing. 3 and 3.0 are one category: a null turns integers into floats."""
    codes, uniques = pd.factorize(column.astype(object))
    spelled = np.array([_spelled(value) for value in uniques] + [None], dtype=object)
    return pd.Series(spelled[codes], dtype=object)


def _spelled(value: object) -> str:
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else str(value)  # type: ignore[call-overload]


@dataclass(frozen=True)
class FoldedCategories:
    """A categorical column reduced to the reference's most frequent values, the rest folded into one."""

    current: pd.Series
    reference: pd.Series
    unseen_share: float


def folded(current: pd.Series, reference: pd.Series, top: int = TOP_CATEGORIES) -> FoldedCategories:
    """Keep the `top` most frequent categories of the reference; missing stays a category of its own.

    Both take columns from `category_values`. The unseen share is counted before folding, over non-missing rows.
    """
    known = reference.value_counts()
    kept = {MISSING, *sorted(known.index, key=lambda value: (-known[value], value))[:top]}
    present = current.dropna()
    unseen = ~present.isin(known.index)
    return FoldedCategories(
        current=_folded_side(current, kept),
        reference=_folded_side(reference, kept),
        unseen_share=float(unseen.mean()) if len(present) else 0.0,
    )


def _folded_side(column: pd.Series, kept: set[str]) -> pd.Series:
    filled = column.where(column.notna(), MISSING)
    return filled.where(filled.isin(kept), OTHER)


def magnification(reference: pd.Series, floor: float = 0.001) -> float:
    """Power of ten that lifts a reference deviation above `floor`, below which Evidently stops normalising.

    Click probabilities and rates of rare events live below it. 1.0 for a constant or a wide enough column.
    """
    deviation = float(reference.std(ddof=0))
    return 1.0 if deviation == 0 or deviation >= floor else 10.0 ** math.ceil(math.log10(floor / deviation))


def unit_factor(current: pd.Series, reference: pd.Series, least: float, distance: float) -> float | None:
    """How many times the reference's values the current ones are, where only their size and not their shape changed.

    The ratio of the medians, if it is at least `least` or at most 1 / `least`, and if the logarithms, moved by it, lie
    within `distance` of the reference's (Wasserstein, in its deviations). None otherwise, and for columns that are not
    mostly positive or have too few different values to have a shape.
    """
    positive = [np.log(side[side > 0].to_numpy()) for side in (current, reference)]
    if any(
        len(logs) <= len(side) * LEAST_POSITIVE_SHARE or len(np.unique(logs)) < LEAST_VALUES_OF_A_SHAPE
        for logs, side in zip(positive, (current, reference), strict=True)
    ):
        return None
    now, then = positive
    moved = float(np.median(now) - np.median(then))
    if abs(moved) < math.log(least):
        return None
    from scipy.stats import wasserstein_distance

    apart = wasserstein_distance(now - moved, then) / float(then.std())
    return math.exp(moved) if apart < distance else None


def category_bars(current: pd.Series, reference: pd.Series, drawn: int = DRAWN_CATEGORIES) -> Distribution:
    """Shares of the categories that are most frequent on either side, the rest in one last bar."""
    now = current.where(current.notna(), MISSING).value_counts(normalize=True)
    then = reference.where(reference.notna(), MISSING).value_counts(normalize=True)
    largest = pd.concat([now, then]).groupby(level=0).max()
    labels = sorted(largest.index, key=lambda value: (-largest[value], value))
    if len(labels) > drawn:
        labels = labels[: drawn - 1]
    sides = [[float(side.get(label, 0.0)) for label in labels] for side in (now, then)]
    if len(labels) < len(largest):
        labels = [*labels, OTHER]
        sides = [[*side, max(0.0, 1.0 - sum(side))] for side in sides]
    return Distribution(tuple(labels), tuple(sides[0]), tuple(sides[1]))


def numeric_bars(current: pd.Series, reference: pd.Series, bins: int = DRAWN_BINS) -> Distribution:
    """Histogram shares over the range that holds 99 % of both sides; values beyond it fall into the outer bars."""
    both = pd.concat([current, reference])
    low, high = (float(value) for value in np.quantile(both, [0.005, 0.995]))
    if low == high:
        reach = max(0.5, abs(low) / 1e6)
        low, high = low - reach, high + reach
    edges = np.linspace(low, high, bins + 1)
    shares = [np.histogram(np.clip(side, low, high), edges)[0] / len(side) for side in (current, reference)]
    labels = tuple(f"{left:.4g} to {right:.4g}" for left, right in pairwise(edges))
    return Distribution(labels, tuple(shares[0].tolist()), tuple(shares[1].tolist()))
