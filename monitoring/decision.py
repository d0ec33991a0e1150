"""Whether the model can be trusted, is to be retrained, or a person is needed: a pure function of recent nights.

Two sorts of evidence. *Shift*: the inputs or the predictions moved away from the champion's reference. *Decay*: the
champion predicts worse than it promised on its holdout. Evidence that needs labels (NE, calibration, CTR) counts
towards retraining only once the night's labels are final; provisional labels lack late clicks, so they may warn but
not decide. One bad night is watched; `nights_needed` of the last `nights_looked_at` lead to training.
Broken input leads to a person, never to training: a model must not learn from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from conf.settings import DriftThresholds, RetrainingPolicy
from monitoring.quality import known, ratio

Verdict = Literal["ok", "watch", "retrain", "blocked", "wait"]
Cause = Literal[
    "none",
    "broken_input",
    "shift",
    "decay",
    "no_champion",
    "too_few_labels",
    "too_few_impressions",
    "cooldown",
    "stale_champion",
]
SignalName = Literal["drift_share", "prediction_distance", "ctr_ratio", "ne_ratio", "calibration_ratio"]


@dataclass(frozen=True)
class NightFacts:
    """What is known of one night, at the time of deciding. None means not measured.

    Attributes:
        day: the day the night is for.
        broken: reasons why the input cannot be believed: feed blocked, outage, missing columns.
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
    champion: str = ""
    scored_by: str = ""


@dataclass(frozen=True)
class Signal:
    """One measure of a night at or beyond its limit. `words` says so with the numbers."""

    name: SignalName
    sort: Literal["shift", "decay"]
    value: float
    limit: float
    needs_labels: bool
    words: str


@dataclass(frozen=True)
class Decision:
    """What to do after a night, why, and what the latest night showed."""

    verdict: Verdict
    cause: Cause
    reasons: tuple[str, ...]
    signals: tuple[Signal, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON takes."""
        return asdict(self)


def decide(
    history: Sequence[NightFacts], policy: RetrainingPolicy, thresholds: DriftThresholds, min_mature_days: int
) -> Decision:
    """The decision after the latest night in `history`.

    `history` holds one entry a night in any order, as known now: earlier nights with the labels that have matured
    since. What training is possible and who the champion is comes from the latest night.

    Raises:
        ValueError: the history is empty.
    """
    if not history:
        raise ValueError("A decision needs at least one night of history.")
    nights = sorted(history, key=lambda night: night.day)
    latest = nights[-1]
    if latest.broken:
        plea = "A person has to look at the feed; nothing is trained from it."
        return Decision("blocked", "broken_input", (*latest.broken, plea))
    signals = night_signals(latest, thresholds)
    cause, reasons = _ground_for_training(nights, policy, thresholds)
    if cause == "none":
        return _without_training(latest, signals, reasons, thresholds)
    obstacle = _obstacle(latest, policy, min_mature_days)
    if obstacle is None:
        return Decision("retrain", cause, reasons, signals)
    return Decision("wait", obstacle[0], (*reasons, obstacle[1]), signals)


def night_signals(night: NightFacts, thresholds: DriftThresholds) -> tuple[Signal, ...]:
    """Every measure of the night at or beyond its limit; none where the night is broken or too small to tell."""
    if night.broken or night.impressions < thresholds.min_impressions:
        return ()
    return (*_shift_signals(night, thresholds), *_decay_signals(night, thresholds))


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
    change, limit = ratio(night.ctr, night.ctr_reference), thresholds.ctr_ratio
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
    low, high = thresholds.calibration_low, thresholds.calibration_high
    if calibration is not None and not low < calibration < high:
        words = f"calibration ratio {calibration:.3f} (limits {low:.2f} and {high:.2f})"
        found.append(Signal("calibration_ratio", "decay", calibration, high if calibration > 1 else low, True, words))
    return found


def named(columns: Sequence[str], shown: int = 5) -> str:
    """The first names in words, and how many more there are."""
    rest = f" and {len(columns) - shown} more" if len(columns) > shown else ""
    return (", ".join(columns[:shown]) or "none") + rest


def _ground_for_training(
    nights: Sequence[NightFacts], policy: RetrainingPolicy, thresholds: DriftThresholds
) -> tuple[Cause, tuple[str, ...]]:
    """Why a training is wanted, or `none` with what is worth knowing all the same."""
    latest = nights[-1]
    if not latest.has_champion:
        return "no_champion", ("There is no champion yet; predictions are the smoothed prior.",)
    evidence = _counted_evidence(nights, policy, thresholds)
    told = tuple(f"{day}: {'; '.join(signal.words for signal in found)}." for day, found in sorted(evidence.items()))
    looked = f"the last {policy.nights_looked_at} that can tell ({policy.nights_needed} needed)"
    if len(evidence) >= policy.nights_needed:
        has_decay = any(signal.sort == "decay" for found in evidence.values() for signal in found)
        cause: Cause = "decay" if has_decay else "shift"
        return cause, (f"Drift or decay on {len(evidence)} nights of {looked}.", *told)
    age = (latest.day - latest.champion_trained_on).days if latest.champion_trained_on else 0
    if age > policy.max_champion_age_days:
        return "stale_champion", (f"The champion is {age} days old (limit {policy.max_champion_age_days}).", *told)
    return "none", (f"Drift or decay on {len(evidence)} night of {looked}.", *told) if evidence else ()


def _counted_evidence(
    nights: Sequence[NightFacts], policy: RetrainingPolicy, thresholds: DriftThresholds
) -> dict[date, list[Signal]]:
    """Signals by night that count towards retraining.

    Shift counts on the last n nights, and label-based evidence on the last n whose labels are final, if the present
    champion made their predictions. Nights up to the last training were its material and do not count again.
    """
    latest, looked_at = nights[-1], policy.nights_looked_at
    final = [night for night in nights if night.labels_final][-looked_at:]
    evidence: dict[date, list[Signal]] = {}
    for night in nights:
        if latest.last_training is not None and night.day <= latest.last_training:
            continue
        same_model = not (night.scored_by and latest.champion) or night.scored_by == latest.champion
        believed = [
            signal
            for signal in night_signals(night, thresholds)
            if (signal.needs_labels and same_model and night in final)
            or (not signal.needs_labels and night in nights[-looked_at:])
        ]
        if believed:
            evidence[night.day] = believed
    return evidence


def _obstacle(latest: NightFacts, policy: RetrainingPolicy, min_mature_days: int) -> tuple[Cause, str] | None:
    """What keeps a wanted training from starting tonight."""
    if latest.last_training is not None:
        passed = (latest.day - latest.last_training).days
        if passed <= policy.cooldown_days:
            words = f"The last training was on {latest.last_training}, {passed} days before"
            return ("cooldown", f"{words}; the next one may follow {policy.cooldown_days + 1} days after it.")
    if latest.mature_days < min_mature_days:
        have = f"{latest.mature_days} of the {min_mature_days} days with final labels that training needs"
        return "too_few_labels", f"Only {have} have come in."
    return None


def _without_training(
    latest: NightFacts, signals: tuple[Signal, ...], earlier: tuple[str, ...], thresholds: DriftThresholds
) -> Decision:
    if latest.impressions < thresholds.min_impressions:
        few = f"{latest.impressions} scored impressions say nothing (at least {thresholds.min_impressions} needed)."
        return Decision("watch", "too_few_impressions", (few, *earlier))
    if signals:
        caution = "" if latest.labels_final else " Labels are still provisional."
        tonight = tuple(f"Tonight: {signal.words}.{caution if signal.needs_labels else ''}" for signal in signals)
        cause: Cause = "decay" if any(signal.sort == "decay" for signal in signals) else "shift"
        return Decision("watch", cause, (*tonight, *earlier), signals)
    return Decision("ok", "none", (*_calm_words(latest, thresholds), *earlier))


def _calm_words(latest: NightFacts, thresholds: DriftThresholds) -> tuple[str, ...]:
    words = ["Every measure lies within its limits."]
    if known(latest.drift_share) is not None:
        drifted = f", drifted: {named(latest.drifted_columns)}" if latest.drifted_columns else ""
        words.append(
            f"{latest.drift_share:.0%} of the columns drifted (limit {thresholds.share_of_columns:.0%}){drifted}."
        )
    if ratio(latest.ne, latest.ne_promised) is not None:
        words.append(f"NE {latest.ne:.4f}, promised {latest.ne_promised:.4f}.")
    if known(latest.calibration_ratio) is not None:
        words.append(f"Calibration ratio {latest.calibration_ratio:.3f}.")
    return tuple(words)
