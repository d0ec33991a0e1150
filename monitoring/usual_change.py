"""How far a night's measures lie from what is usual between recent calm nights, weekdays in mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from monitoring.change_split import (
    CLICKS,
    EXPECTED,
    IMPRESSIONS,
    LOSS,
    SCORED,
    SCORED_CLICKS,
    chance_of,
    jackknife_error,
    stability_terms,
    without_each_bucket,
)

VOLUME, CTR, CALIBRATION, NE = "volume", "ctr", "calibration", "ne"
MIX = "mix of "
FEWEST_NIGHTS = 3
"""Calm nights without which nothing is known of what is usual."""
NIGHTS_OF_A_WEEK = 7
"""With fewer, no night of the same weekday is among them."""
SPREAD_OF_DEVIATION = 1.4826
"""Standard deviation of a normal variable over its median absolute deviation."""


@dataclass(frozen=True)
class Side:
    """Sums over impressions by column: arrays (values, buckets, SUMS). `days` is how many days they are of.

    `values` names the values of each column. Columns in `scored_only` count the scored impressions alone. `promised` is
    the NE that these were promised.
    """

    days: int
    columns: Mapping[str, np.ndarray]
    values: Mapping[str, tuple[str, ...]]
    scored_only: frozenset[str] = frozenset()
    promised: float | None = None

    def rows_of(self, column: str) -> int:
        """Which of the sums counts the column's impressions."""
        return SCORED if column in self.scored_only else IMPRESSIONS

    def whole(self) -> np.ndarray:
        """Sums of all impressions by bucket: (buckets, SUMS)."""
        column = next(name for name in self.columns if name not in self.scored_only)
        return np.asarray(self.columns[column].sum(axis=0))


@dataclass(frozen=True)
class DayTotals:
    """One day or the mean of several: impressions a day, CTR, log of observed / predicted clicks, NE, counts by column.

    Each may be an array over replicates; counts are (values,) or (values, replicates).
    """

    impressions: np.ndarray | float
    ctr: np.ndarray | float
    calibration: np.ndarray | float | None
    ne: np.ndarray | float | None
    counts: Mapping[str, np.ndarray]
    promised: float | None = None


def totals(side: Side, *, replicated: bool = False) -> DayTotals:
    """The totals of a side; `replicated`, with one bucket left out after the other."""
    whole = side.whole()
    sums = whole.sum(axis=0) - whole if replicated else whole.sum(axis=0)
    scored = float(whole[:, SCORED].sum()) > 0
    counts = {}
    for name, column in side.columns.items():
        left = without_each_bucket(column) if replicated else column.sum(axis=1)
        counts[name] = left[..., side.rows_of(name)]
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = sums[..., SCORED_CLICKS] / sums[..., SCORED]
        return DayTotals(
            impressions=sums[..., IMPRESSIONS] / side.days,
            ctr=sums[..., CLICKS] / sums[..., IMPRESSIONS],
            calibration=np.log(sums[..., SCORED_CLICKS] / sums[..., EXPECTED]) if scored else None,
            ne=sums[..., LOSS] / sums[..., SCORED] / entropy(rate) if scored else None,
            counts=counts,
            promised=side.promised,
        )


def entropy(rate: np.ndarray | float) -> np.ndarray:
    """Entropy of a click rate, in nats."""
    rate = np.asarray(rate, dtype=float)
    return np.asarray(-rate * np.log(rate) - (1.0 - rate) * np.log1p(-rate))


def measures(now: DayTotals, base: DayTotals, *, to_promise: bool) -> dict[str, np.ndarray]:
    """Every change from `base` to `now` by name, on scales whose errors are even: volume, CTR and calibration as
    logarithms, the stability index of a mix as its root.

    `to_promise`: predicted clicks are compared with the observed ones and NE with what was promised, not with those of
    `base`. A change that cannot be told (no clicks, nothing scored) is left out.
    """
    found: dict[str, np.ndarray] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        found[VOLUME] = np.asarray(np.log(now.impressions / base.impressions))
        found[CTR] = np.asarray(np.log(now.ctr / base.ctr))
        if now.calibration is not None:
            if to_promise:
                found[CALIBRATION] = np.asarray(now.calibration)
            elif base.calibration is not None:
                found[CALIBRATION] = np.asarray(now.calibration - base.calibration)
        before = now.promised if to_promise else base.ne
        if now.ne is not None and before is not None:
            found[NE] = np.asarray(now.ne - before)
        for column, counts in now.counts.items():
            if column in base.counts and base.counts[column].sum() > 0 and counts.sum() > 0:
                found[MIX + column] = np.sqrt(stability_terms(counts, base.counts[column]).sum(axis=0))
    return {name: value for name, value in found.items() if np.all(np.isfinite(value))}


@dataclass(frozen=True)
class Deviation:
    """A measure of a night: its change, what is usual, the error of their difference, and the chance of so much."""

    measure: str
    change: float
    usual: float
    error: float
    nights: int
    chance: float
    """After Bonferroni: times the number of measures that were looked at."""


def deviations(
    now: Side, base: Side, past: Mapping[date, Mapping[str, float]], night: date, *, to_promise: bool, looked_at: int
) -> list[Deviation]:
    """Every measure against what is usual. `past` has the same measures of recent calm nights.

    The usual change is the mean of the nights of the same weekday, or where there is none the median of all. The error
    joins that of drawing users (jackknife) and the spread between calm nights (from the median absolute deviation,
    which one odd night does not widen).
    """
    value = measures(totals(now), totals(base), to_promise=to_promise)
    replicates = measures(totals(now, replicated=True), totals(base, replicated=True), to_promise=to_promise)
    found = []
    for name in value:
        if name not in replicates:
            continue
        known = {day: of[name] for day, of in past.items() if name in of}
        usual, spread = usual_and_spread(known, night)
        change, error = float(value[name]), float(np.hypot(jackknife_error(replicates[name]), spread))
        apart = change - usual
        if name.startswith(MIX):
            apart = max(apart, 0.0)  # a mix nearer than usual is no change
        chance = float(chance_of(apart, error, max(len(known) - 1, 1)))
        found.append(Deviation(name, change, usual, error, len(known), min(1.0, chance * looked_at)))
    return found


def usual_and_spread(known: Mapping[date, float], night: date) -> tuple[float, float]:
    """What is usual on such a night, and the standard deviation of one night from it; 0 and 0 for want of nights."""
    if not known:
        return 0.0, 0.0
    values = np.array(list(known.values()))
    spread = SPREAD_OF_DEVIATION * float(np.median(np.abs(values - np.median(values))))
    same = same_weekday(known, night)
    usual = float(np.mean(same)) if same else float(np.median(values))
    return usual, spread * float(np.sqrt(1.0 + 1.0 / (len(same) or len(values))))


def same_weekday(known: Mapping[date, float], night: date) -> Sequence[float]:
    """The values of nights of the same weekday."""
    return [value for day, value in known.items() if day.weekday() == night.weekday()]
