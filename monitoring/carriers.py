"""Which values of which columns carry a change: those that add more to it than their share of the impressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conf.plain_text import one_line
from monitoring.change_split import (
    CLICKS,
    EXPECTED,
    LOSS,
    SCORED,
    SCORED_CLICKS,
    Split,
    chance_of,
    jackknife_error,
    split_mean,
    stability_terms,
    without_each_bucket,
)
from monitoring.usual_change import CALIBRATION, CTR, MIX, VOLUME, Side, entropy

MOST_CARRIERS, MOST_OF_A_COLUMN = 4, 2
LEAST_SHARE = 0.1
"""Of the change; who carries less is not worth a line."""
LEAST_CERTAINTY = 0.05
"""Chance of a carrier's excess, times the values looked at, from which it is left out."""


@dataclass(frozen=True)
class Carrier:
    """One value of a column and its share of the change, `margin` either way (95 %, by users).

    Of the share, `mix` is by being shown more or less, the rest by what happened on it.
    """

    column: str
    value: str
    share: float
    mix: float
    margin: float
    sentence: str


@dataclass(frozen=True)
class _Compared:
    """One column of both sides: sums by value, and again with one bucket left out after the other."""

    measure: str
    now: np.ndarray
    base: np.ndarray
    rows: int
    days: int
    to_promise: bool

    def leaving_out(self) -> _Compared:
        now, base = without_each_bucket(self.now), without_each_bucket(self.base)
        return _Compared(self.measure, now, base, self.rows, self.days, self.to_promise)

    def whole(self) -> _Compared:
        now, base = self.now.sum(axis=1), self.base.sum(axis=1)
        return _Compared(self.measure, now, base, self.rows, self.days, self.to_promise)


def carriers_of(measure: str, now: Side, base: Side, columns: Sequence[str], *, to_promise: bool) -> list[Carrier]:
    """The values that stand out in a change, the largest first.

    The contributions of all values of a column are the whole change. A value stands out by what it adds beyond its
    share of the impressions, in the direction of the change, and by more than users drawn by chance would make it
    (jackknife, Bonferroni over every value of every column).
    """
    known = [column for column in columns if column in base.columns]
    looked_at = sum(int(np.any(now.columns[column] > 0, axis=(1, 2)).sum()) for column in known)
    found: list[tuple[float, Carrier]] = []
    for column in known:
        shown = int(np.any(now.columns[column] + base.columns[column] > 0, axis=(1, 2)).sum())
        compared = _Compared(
            measure, now.columns[column], base.columns[column], now.rows_of(column), base.days, to_promise
        )
        standing = sorted(_standing_out(compared, column, now.values[column], looked_at), key=lambda one: -one[0])
        found += standing[: min(MOST_OF_A_COLUMN, shown - 1)]  # of two values, one tells of the other
    found.sort(key=lambda one: -one[0])
    return [carrier for _, carrier in found[:MOST_CARRIERS]]


def _standing_out(
    compared: _Compared, column: str, values: Sequence[str], looked_at: int
) -> list[tuple[float, Carrier]]:
    """The values that stand out, each with what it adds beyond its share, as a share of the change."""
    sums, again = compared.whole(), compared.leaving_out()
    split, replicated = contributions(sums), contributions(again)
    if split is None or replicated is None or split.whole.sum() == 0.0:
        return []
    change = float(split.whole.sum())
    beyond, buckets = _beyond(sums, split.whole), compared.now.shape[1]
    chance = chance_of(beyond, jackknife_error(_beyond(again, replicated.whole)), buckets - 1) * looked_at
    margin = 2.0 * jackknife_error(replicated.whole / replicated.whole.sum(axis=0))
    named = (beyond * np.sign(change) > 0) & (chance < LEAST_CERTAINTY) & (split.whole / change >= LEAST_SHARE)
    found = []
    for row in np.flatnonzero(named).tolist():
        share, mix = float(split.whole[row]) / change, float(split.mix[row]) / change
        told = f"`{column}`={one_line(values[row])} carries {share:.0%} of it ({_told(sums, row)})"
        carrier = Carrier(column, values[row], share, mix, float(margin[row]), told)
        found.append((float(beyond[row]) / change, carrier))
    return found


def contributions(of: _Compared) -> Split | None:
    """What each value adds to the change; None where the base does not know.

    Their sum over the values of a column is: for volume the impressions a day more; for CTR and, against another day,
    for observed - predicted clicks an impression the change of the mean; against the promise, observed / predicted - 1;
    for NE its change times the night's entropy; for a mix the index.
    """
    here, there = of.now, of.base
    none = np.zeros(here.shape[:-1])
    if of.measure == MIX:
        return Split(stability_terms(here[..., of.rows], there[..., of.rows]), none)
    if of.measure == VOLUME:
        return Split(here[..., of.rows] - there[..., of.rows] / of.days, none)
    if of.measure == CALIBRATION and of.to_promise:
        return Split(none, _missed(here) / here[..., EXPECTED].sum(axis=0))
    if of.measure == CTR:
        clicks = SCORED_CLICKS if of.rows == SCORED else CLICKS
        if there[..., clicks].sum() == 0:
            return None
        return split_mean(here[..., of.rows], here[..., clicks], there[..., of.rows], there[..., clicks])
    if there[..., LOSS].sum() == 0:
        return None
    if of.measure == CALIBRATION:
        return split_mean(here[..., SCORED], _missed(here), there[..., SCORED], _missed(there))
    ne = there[..., LOSS].sum(axis=0) / there[..., SCORED].sum(axis=0) / entropy(_rate(there))
    return split_mean(here[..., SCORED], _excess(here, ne), there[..., SCORED], _excess(there, ne))


def _rate(sums: np.ndarray) -> np.ndarray:
    return np.asarray(sums[..., SCORED_CLICKS].sum(axis=0) / sums[..., SCORED].sum(axis=0))


def _missed(sums: np.ndarray) -> np.ndarray:
    return np.asarray(sums[..., SCORED_CLICKS] - sums[..., EXPECTED])


def _excess(sums: np.ndarray, ne: np.ndarray) -> np.ndarray:
    """Log loss above what an NE would make of the side's own click rate.

    With c the click rate of a side and b = -y ln c - (1 - y) ln(1 - c), whose mean is the side's entropy H, the mean of
    loss - NE0 b is (NE - NE0) H: zero for the base, and for the night the change of NE times its entropy. So what
    values add to this mean, they add to the NE.
    """
    rate, clicks = _rate(sums), sums[..., SCORED_CLICKS]
    coins = -clicks * np.log(rate) - (sums[..., SCORED] - clicks) * np.log1p(-rate)
    return np.asarray(sums[..., LOSS] - ne * coins)


def _beyond(of: _Compared, whole: np.ndarray) -> np.ndarray:
    """What each value adds beyond its share of the impressions; of a mix's distance, all that it adds."""
    if of.measure == MIX:
        return whole
    rows = of.rows if of.measure in (VOLUME, CTR) else SCORED
    now, base = of.now[..., rows], of.base[..., rows]
    fair = now / now.sum(axis=0)
    if base.sum() > 0:
        earlier = base / base.sum(axis=0)
        fair = earlier if of.measure == VOLUME else (fair + earlier) / 2
    return np.asarray(whole - fair * whole.sum(axis=0))


def _told(of: _Compared, row: int) -> str:
    """The figures of one value."""
    now, base = of.now[row], of.base[row]
    if of.measure == VOLUME:
        return f"{now[of.rows]:,.0f} impressions after {base[of.rows] / of.days:,.0f}"
    share, before = (
        float(side[row, of.rows] / side[..., of.rows].sum()) if side[..., of.rows].sum() else 0.0
        for side in (of.now, of.base)
    )
    shown = f"{share:.1%} of impressions after {before:.1%}"
    if of.measure == MIX:
        return shown
    if of.measure == CTR:
        clicks = SCORED_CLICKS if of.rows == SCORED else CLICKS
        rates = [f"{side[clicks] / side[of.rows]:.2%}" if side[of.rows] else "none" for side in (now, base)]
        return f"CTR {rates[0]} after {rates[1]}; {shown}"
    told = f"{now[SCORED_CLICKS]:,.0f} clicks where {now[EXPECTED]:,.0f} were predicted"
    if base[EXPECTED] > 0:
        told += f", before {base[SCORED_CLICKS]:,.0f} where {base[EXPECTED]:,.0f}"
    return told
