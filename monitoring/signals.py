"""What is known of a night, and which of it lies at or beyond its limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Literal

from conf.settings import DriftThresholds
from monitoring.quality import known, ratio

Sort = Literal["shift", "decay", "new_ads"]
SignalName = Literal[
    "drift_share", "prediction_distance", "ctr_ratio", "ne_ratio", "calibration_ratio", "new_ads_share"
]

DEVIATIONS = 2.33
"""Of a normal distribution, beyond which 1 % lies."""
NIGHTS_FOR_THE_USUAL = 3
"""Fewer nights do not tell what share of new ads is usual."""


@dataclass(frozen=True)
class NightFacts:
    """What is known of one night, at the time of deciding. None means not measured.

    Attributes:
        day: the day the night is for.
        broken: reasons why the input cannot be believed: feed blocked, outage, missing columns, changed units.
        drifted_columns: names, worst first.
        drift_share: drifted columns / comparable columns.
        prediction_distance: distance of the predictions from the reference's.
        ctr: clicks / impressions of the day.
        ctr_reference: the same in the champion's reference.
        ne: normalised entropy of the day's predictions.
        ne_promised: NE of the model on its holdout when it was promoted.
        calibration_ratio: sum of predicted / sum of observed clicks.
        impressions: scored impressions with a label, provisional ones included.
        labels_final: whether every click that counts can have arrived.
        mature_days: days with final labels that training could use.
        has_champion: whether a promoted model exists.
        champion_trained_on: last day of the champion's training; None without one.
        last_training: day of the last training attempt, promoted or not.
        learned_amid: the change that the champion was trained because of (shift, decay, new_ads), if that was the last
            training; else empty.
        rejected_trainings: how many of the latest trainings the gate refused, one after the other.
        new_ads_share: scored impressions of ads never seen before that day / all.
        champion: name and version of the champion on that night.
        scored_by: name and version of the model whose predictions `ne` and `calibration_ratio` describe.
    """

    day: date
    broken: tuple[str, ...] = ()
    drifted_columns: tuple[str, ...] = ()
    drift_share: float | None = None
    prediction_distance: float | None = None
    ctr: float | None = None
    ctr_reference: float | None = None
    ne: float | None = None
    ne_promised: float | None = None
    calibration_ratio: float | None = None
    impressions: int = 0
    labels_final: bool = True
    mature_days: int = 0
    has_champion: bool = False
    champion_trained_on: date | None = None
    last_training: date | None = None
    learned_amid: str = ""
    rejected_trainings: int = 0
    new_ads_share: float | None = None
    champion: str = ""
    scored_by: str = ""

    @property
    def nights_since_training(self) -> int | None:
        """Nights that have passed since the last training; None before the first."""
        return None if self.last_training is None else (self.day - self.last_training).days


@dataclass(frozen=True)
class Signal:
    """One measure of a night at or beyond its limit. `words` says so with the numbers."""

    name: SignalName
    sort: Sort
    value: float
    limit: float
    needs_labels: bool
    words: str


def night_signals(
    night: NightFacts, thresholds: DriftThresholds, usual_new_ads: float | None = None
) -> tuple[Signal, ...]:
    """Every measure of the night at or beyond its limit; none where the night is broken or too small to tell."""
    if night.broken or night.impressions < thresholds.min_impressions:
        return ()
    new_ads = _new_ads_signals(night, thresholds, usual_new_ads)
    return (*new_ads, *_shift_signals(night, thresholds), *_decay_signals(night, thresholds))


def usual_new_ads(nights: Sequence[NightFacts]) -> float | None:
    """The median share of impressions of new ads on some nights: a wave of two or three among them does not move it."""
    shares = [share for night in nights if (share := known(night.new_ads_share)) is not None]
    return median(shares) if len(shares) >= NIGHTS_FOR_THE_USUAL else None


def _new_ads_signals(night: NightFacts, thresholds: DriftThresholds, usual: float | None) -> list[Signal]:
    share = known(night.new_ads_share)
    if share is None or usual is None:
        return []
    limit = max(thresholds.new_ads_share, thresholds.new_ads_factor * usual)
    if share < limit:
        return []
    words = f"{share:.1%} of the impressions show ads never seen before (usual {usual:.1%}, limit {limit:.1%})"
    return [Signal("new_ads_share", "new_ads", share, limit, False, words)]


def _shift_signals(night: NightFacts, thresholds: DriftThresholds) -> list[Signal]:
    found = []
    share, limit = known(night.drift_share), thresholds.share_of_columns
    if share is not None and share >= limit:
        words = f"{share:.0%} of the columns drifted (limit {limit:.0%}): {named(night.drifted_columns)}"
        found.append(Signal("drift_share", "shift", share, limit, False, words))
    distance, limit = known(night.prediction_distance), thresholds.prediction
    if distance is not None and distance >= limit:
        words = f"predictions moved by {distance:.2f} deviations (limit {limit:.2f})"
        found.append(Signal("prediction_distance", "shift", distance, limit, False, words))
    change, limit = ratio(night.ctr, night.ctr_reference), beyond_chance(thresholds.ctr_ratio, night)
    if change is not None and not 1 / limit < change < limit:
        words = f"CTR is {change:.2f} times the reference's (limits {1 / limit:.2f} and {limit:.2f})"
        found.append(Signal("ctr_ratio", "shift", change, limit if change > 1 else 1 / limit, True, words))
    return found


def _decay_signals(night: NightFacts, thresholds: DriftThresholds) -> list[Signal]:
    found = []
    excess, limit = ratio(night.ne, night.ne_promised), thresholds.ne_ratio
    if excess is not None and excess >= limit:
        words = f"NE {night.ne:.4f} is {excess:.3f} times the promised {night.ne_promised:.4f} (limit {limit:.2f})"
        found.append(Signal("ne_ratio", "decay", excess, limit, True, words))
    calibration = known(night.calibration_ratio)
    low, high = (beyond_chance(limit, night) for limit in (thresholds.calibration_low, thresholds.calibration_high))
    if calibration is not None and not low < calibration < high:
        words = f"calibration ratio {calibration:.3f} (limits {low:.2f} and {high:.2f})"
        found.append(Signal("calibration_ratio", "decay", calibration, high if calibration > 1 else low, True, words))
    return found


def beyond_chance(limit: float, night: NightFacts) -> float:
    """A limit of a ratio of clicks, as far away from 1 as it has to be for few clicks not to cross it by chance.

    Clicks that are counted scatter by their square root; once in a hundred nights a ratio at `limit` gets so far.
    """
    clicks = (known(night.ctr) or 0.0) * night.impressions
    scatter = 1.0 + DEVIATIONS / math.sqrt(max(clicks, 1.0))
    return limit * scatter if limit > 1.0 else limit / scatter


def named(columns: Sequence[str], shown: int = 5) -> str:
    """The first names in words, and how many more there are."""
    rest = f" and {len(columns) - shown} more" if len(columns) > shown else ""
    return (", ".join(columns[:shown]) or "none") + rest
