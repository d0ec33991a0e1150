"""Whether the model can be trusted, is to be retrained, or a person is needed: a pure function of recent nights.

Two sorts of evidence. *Shift*: the inputs or the predictions moved away from the champion's reference. *Decay*: the
champion predicts worse than it promised on its holdout. Evidence that needs labels (NE, calibration, CTR) counts
towards retraining only once the night's labels are final; provisional labels lack late clicks, so they may warn but
not decide. One bad night is watched; `nights_needed` of the last `nights_looked_at` lead to training.
An unusual share of impressions of ads that nobody has seen yet is a cause of its own. A champion that was trained
because of a change learned mostly from days before it, and promised little: once more is known of the new days, one
training follows (*transition*). Broken input leads to a person, never to training: a model must not learn from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

from conf.settings import DriftThresholds, RetrainingPolicy
from monitoring.quality import known, ratio
from monitoring.signals import NightFacts, Signal, Sort, named, night_signals, usual_new_ads

Verdict = Literal["ok", "watch", "retrain", "blocked", "wait"]
Cause = Literal[
    "none",
    "broken_input",
    "shift",
    "decay",
    "new_ads",
    "no_champion",
    "too_few_labels",
    "too_few_impressions",
    "cooldown",
    "transition",
    "stale_champion",
]
CAUSES_BY_RANK: tuple[Sort, ...] = ("new_ads", "decay", "shift")
TOLD: dict[tuple[Sort, ...], str] = {("new_ads",): "New ads", ("decay", "shift"): "Drift or decay"}
"""Sorts of evidence that add up over the nights, and what they are called together. A launch on one night and a shift
on another are two events; a shift on one and decay on another may well be one."""
MOST_DOUBLINGS = 20


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
    signals = night_signals(latest, thresholds, usual_new_ads(nights[:-1]))
    cause, reasons = _ground_for_training(nights, policy, thresholds)
    if cause == "none":
        return _without_training(latest, signals, reasons, thresholds)
    obstacle = _obstacle(latest, policy, min_mature_days)
    if obstacle is None:
        return Decision("retrain", cause, reasons, signals)
    return Decision("wait", obstacle[0], (*reasons, obstacle[1]), signals)


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
    for together in TOLD:
        nights_of = [found for found in evidence.values() if any(signal.sort in together for signal in found)]
        if len(nights_of) >= policy.nights_needed:
            cause = _cause_of(signal for found in nights_of for signal in found if signal.sort in together)
            return cause, (f"{TOLD[together]} on {len(nights_of)} nights of {looked}.", *told)
    passed = latest.nights_since_training
    if latest.learned_amid and passed is not None and 0 < policy.follow_up_nights <= passed:
        return "transition", (_follow_up_words(latest), *told)
    age = (latest.day - latest.champion_trained_on).days if latest.champion_trained_on else 0
    if age > policy.max_champion_age_days:
        return "stale_champion", (f"The champion is {age} days old (limit {policy.max_champion_age_days}).", *told)
    nights_told = f"{len(evidence)} night" if len(evidence) == 1 else f"{len(evidence)} nights"
    return "none", (f"Evidence on {nights_told} of {looked}.", *told) if evidence else ()


def _follow_up_words(latest: NightFacts) -> str:
    return (
        f"The champion was trained on {latest.last_training} because of {latest.learned_amid}, mostly from days before "
        f"that change; {latest.nights_since_training} nights later there are more of those after it."
    )


def _cause_of(signals: Iterable[Signal]) -> Cause:
    """New ads explain what comes with them, worse predictions and shifted columns; decay matters more than shift."""
    sorts = {signal.sort for signal in signals}
    return next(sort for sort in CAUSES_BY_RANK if sort in sorts)


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
    for place, night in enumerate(nights):
        if latest.last_training is not None and night.day <= latest.last_training:
            continue
        same_model = not (night.scored_by and latest.champion) or night.scored_by == latest.champion
        believed = [
            signal
            for signal in night_signals(night, thresholds, usual_new_ads(nights[:place]))
            if (signal.needs_labels and same_model and night in final)
            or (not signal.needs_labels and night in nights[-looked_at:])
        ]
        if believed:
            evidence[night.day] = believed
    return evidence


def _obstacle(latest: NightFacts, policy: RetrainingPolicy, min_mature_days: int) -> tuple[Cause, str] | None:
    """What keeps a wanted training from starting tonight."""
    passed, pause = latest.nights_since_training, cooldown_days(latest, policy)
    if passed is not None and passed <= pause:
        refused = f", and {latest.rejected_trainings} in a row were refused" if pause > policy.cooldown_days else ""
        words = f"The last training was on {latest.last_training}, {passed} days before{refused}"
        return "cooldown", f"{words}; the next one may follow {pause + 1} days after it."
    if latest.mature_days < min_mature_days:
        have = f"{latest.mature_days} of the {min_mature_days} days with final labels that training needs"
        return "too_few_labels", f"Only {have} have come in."
    return None


def cooldown_days(latest: NightFacts, policy: RetrainingPolicy) -> int:
    """Nights of rest after the last training. What did not help twice is tried again less and less often."""
    doubled = policy.cooldown_days * 2 ** max(0, min(latest.rejected_trainings, MOST_DOUBLINGS) - 1)
    return max(policy.cooldown_days, min(doubled, policy.longest_cooldown_days))


def _without_training(
    latest: NightFacts, signals: tuple[Signal, ...], earlier: tuple[str, ...], thresholds: DriftThresholds
) -> Decision:
    if latest.impressions < thresholds.min_impressions:
        few = f"{latest.impressions} scored impressions say nothing (at least {thresholds.min_impressions} needed)."
        return Decision("watch", "too_few_impressions", (few, *earlier))
    if signals:
        caution = "" if latest.labels_final else " Labels are still provisional."
        tonight = tuple(f"Tonight: {signal.words}.{caution if signal.needs_labels else ''}" for signal in signals)
        return Decision("watch", _cause_of(signals), (*tonight, *earlier), signals)
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
