"""The retraining decision: thresholds just below, at and above; k of n nights; what may not count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conf.settings import DriftThresholds, RetrainingPolicy
from monitoring.decision import Decision, decide
from monitoring.signals import NightFacts, night_signals

THRESHOLDS = DriftThresholds()
POLICY = RetrainingPolicy(nights_needed=2, nights_looked_at=3, cooldown_days=3, max_champion_age_days=28)
LATEST = date(2026, 3, 20)
CALM = NightFacts(
    day=LATEST,
    drift_share=0.1,
    prediction_distance=0.05,
    ctr=0.03,
    ctr_reference=0.03,
    ne=0.8,
    ne_promised=0.8,
    calibration_ratio=1.0,
    impressions=10_000,
    mature_days=10,
    has_champion=True,
    champion_trained_on=date(2026, 3, 1),
    last_training=date(2026, 3, 1),
)


def nights(*latest_last: NightFacts) -> list[NightFacts]:
    """The given nights on consecutive days, the last of them on LATEST."""
    first = LATEST - timedelta(days=len(latest_last) - 1)
    return [replace(night, day=first + timedelta(days=index)) for index, night in enumerate(latest_last)]


def decided(*latest_last: NightFacts, policy: RetrainingPolicy = POLICY) -> Decision:
    return decide(nights(*latest_last), policy, THRESHOLDS, min_mature_days=5)


SHIFTED = replace(CALM, drift_share=0.5, drifted_columns=("tab", "hour"))
DECAYED = replace(CALM, ne=0.9)


def test_a_calm_night_is_ok_and_says_so_with_numbers() -> None:
    decision = decided(CALM, CALM, CALM)
    assert (decision.verdict, decision.cause, decision.signals) == ("ok", "none", ())
    assert "NE 0.8000, promised 0.8000." in decision.reasons


def scatter(clicks: int) -> float:
    """What chance does once in a hundred times to a ratio of so many clicks."""
    return 1 + 2.33 / clicks**0.5


CTR_LIMIT = 1.25 * scatter(1000)


def around(limit: float, facts: Callable[[float], dict[str, float]]) -> tuple[dict[str, float], ...]:
    """Facts just within a limit, as good as at it, and beyond it, on its side of 1."""
    outwards = 1 if limit > 1 else -1
    return tuple(facts(limit * (1 + outwards * step)) for step in (-1e-3, 1e-9, 1e-3))


@pytest.mark.parametrize(
    ("name", "below", "at", "above"),
    [
        ("drift_share", {"drift_share": 0.29}, {"drift_share": 0.3}, {"drift_share": 0.31}),
        (
            "prediction_distance",
            {"prediction_distance": 0.399},
            {"prediction_distance": 0.4},
            {"prediction_distance": 0.401},
        ),
        ("ctr_ratio", *around(CTR_LIMIT, lambda change: {"ctr": 0.1, "ctr_reference": 0.1 / change})),
        ("ctr_ratio", *around(1 / CTR_LIMIT, lambda change: {"ctr": 0.1, "ctr_reference": 0.1 / change})),
        (
            "ne_ratio",
            {"ne": 1.029, "ne_promised": 1.0},
            {"ne": 1.03, "ne_promised": 1.0},
            {"ne": 1.031, "ne_promised": 1.0},
        ),
        ("calibration_ratio", *around(1.15 * scatter(300), lambda ratio: {"calibration_ratio": ratio})),
        ("calibration_ratio", *around(0.85 / scatter(300), lambda ratio: {"calibration_ratio": ratio})),
    ],
)
def test_a_measure_counts_from_its_threshold_on(
    name: str, below: dict[str, float], at: dict[str, float], above: dict[str, float]
) -> None:
    assert night_signals(replace(CALM, **below), THRESHOLDS) == ()  # type: ignore[arg-type]
    for beyond in (at, above):
        signals = night_signals(replace(CALM, **beyond), THRESHOLDS)  # type: ignore[arg-type]
        assert [signal.name for signal in signals] == [name]


def test_one_bad_night_is_watched() -> None:
    decision = decided(CALM, CALM, SHIFTED)
    assert (decision.verdict, decision.cause) == ("watch", "shift")
    assert "tab, hour" in decision.reasons[0]


def test_as_many_bad_nights_as_needed_lead_to_training() -> None:
    decision = decided(SHIFTED, CALM, SHIFTED)
    assert (decision.verdict, decision.cause) == ("retrain", "shift")


def test_a_bad_night_before_the_window_does_not_count() -> None:
    assert decided(SHIFTED, CALM, CALM, SHIFTED).verdict == "watch"


def test_decay_outranks_shift_as_the_cause() -> None:
    assert decided(CALM, SHIFTED, DECAYED).cause == "decay"


def test_the_order_of_the_history_does_not_matter() -> None:
    history = nights(SHIFTED, CALM, DECAYED)
    assert decide(history, POLICY, THRESHOLDS, 5) == decide(history[::-1], POLICY, THRESHOLDS, 5)


def test_broken_input_asks_for_a_person_even_while_the_data_drifts() -> None:
    broken = replace(SHIFTED, broken=("Feed blocked: 12 % of the usual volume.",))
    decision = decided(SHIFTED, SHIFTED, broken)
    assert (decision.verdict, decision.cause) == ("blocked", "broken_input")
    assert decision.reasons[0] == "Feed blocked: 12 % of the usual volume."
    assert "person" in decision.reasons[-1]


def test_broken_input_without_a_champion_is_blocked_too() -> None:
    assert decided(replace(CALM, has_champion=False, broken=("outage",))).verdict == "blocked"


def test_a_broken_night_before_does_not_count_as_drift() -> None:
    assert decided(CALM, replace(SHIFTED, broken=("outage",)), SHIFTED).verdict == "watch"


def test_drift_before_the_last_training_does_not_count_again() -> None:
    trained = {"last_training": LATEST - timedelta(days=1)}
    patient = POLICY.model_copy(update={"cooldown_days": 0})
    history = [replace(night, **trained) for night in (SHIFTED, SHIFTED, SHIFTED)]  # type: ignore[arg-type]
    assert decided(*history, policy=patient).verdict == "watch"


@pytest.mark.parametrize(("days_since", "verdict"), [(2, "wait"), (3, "wait"), (4, "retrain")])
def test_a_training_cools_down_for_as_many_days_as_the_policy_says(days_since: int, verdict: str) -> None:
    history = [replace(DECAYED, last_training=LATEST - timedelta(days=days_since))] * 3
    decision = decided(*history)
    assert decision.verdict == verdict
    assert decision.cause == ("cooldown" if verdict == "wait" else "decay")


@pytest.mark.parametrize(("mature_days", "verdict", "cause"), [(4, "wait", "too_few_labels"), (5, "retrain", "shift")])
def test_training_waits_for_enough_mature_days(mature_days: int, verdict: str, cause: str) -> None:
    decision = decided(*[replace(SHIFTED, mature_days=mature_days)] * 3)
    assert (decision.verdict, decision.cause) == (verdict, cause)


NO_CHAMPION = NightFacts(day=LATEST)


@pytest.mark.parametrize(
    ("mature_days", "verdict", "cause"), [(4, "wait", "too_few_labels"), (5, "retrain", "no_champion")]
)
def test_without_a_champion_one_is_trained_as_soon_as_labels_suffice(
    mature_days: int, verdict: str, cause: str
) -> None:
    decision = decided(replace(NO_CHAMPION, mature_days=mature_days))
    assert (decision.verdict, decision.cause) == (verdict, cause)


def test_a_rejected_first_challenger_is_not_retried_every_night() -> None:
    decision = decided(replace(NO_CHAMPION, mature_days=9, last_training=LATEST - timedelta(days=1)))
    assert (decision.verdict, decision.cause) == ("wait", "cooldown")


@pytest.mark.parametrize(("age", "verdict"), [(27, "ok"), (28, "ok"), (29, "retrain")])
def test_a_champion_older_than_allowed_is_replaced(age: int, verdict: str) -> None:
    old = LATEST - timedelta(days=age)
    assert decided(replace(CALM, champion_trained_on=old, last_training=old)).verdict == verdict


@pytest.mark.parametrize(("passed", "verdict"), [(6, "ok"), (7, "retrain"), (9, "retrain")])
def test_a_champion_trained_amid_a_change_is_followed_up_once_the_new_days_are_known(passed: int, verdict: str) -> None:
    trained = LATEST - timedelta(days=passed)
    latest = replace(CALM, last_training=trained, champion_trained_on=trained, learned_amid="decay")
    decision = decided(CALM, CALM, latest)
    assert decision.verdict == verdict
    if verdict == "retrain":
        assert decision.cause == "transition"
        assert str(trained) in decision.reasons[0] and "decay" in decision.reasons[0]
    never = POLICY.model_copy(update={"follow_up_nights": 0})
    assert decided(CALM, CALM, latest, policy=never).verdict == "ok"
    assert decided(CALM, CALM, replace(latest, learned_amid="")).verdict == "ok"


def test_provisional_labels_warn_but_do_not_lead_to_training() -> None:
    decision = decided(*[replace(DECAYED, labels_final=False)] * 3)
    assert (decision.verdict, decision.cause) == ("watch", "decay")
    assert "provisional" in decision.reasons[0]


def test_decay_counts_on_the_latest_nights_whose_labels_are_final() -> None:
    waiting = replace(CALM, labels_final=False)
    assert decided(CALM, DECAYED, DECAYED, waiting, waiting).verdict == "retrain"


def test_shift_of_the_inputs_counts_without_any_label() -> None:
    assert decided(*[replace(SHIFTED, labels_final=False)] * 2).verdict == "retrain"


def test_decay_of_a_replaced_champion_is_not_held_against_the_new_one() -> None:
    history = [replace(DECAYED, scored_by="old", champion="new")] * 3
    assert decided(*history).verdict == "watch"


@pytest.mark.parametrize(("impressions", "verdict"), [(499, "watch"), (500, "retrain")])
def test_too_few_impressions_say_nothing(impressions: int, verdict: str) -> None:
    decision = decided(*[replace(DECAYED, impressions=impressions)] * 3)
    assert decision.verdict == verdict
    assert (decision.cause == "too_few_impressions") == (verdict == "watch")


def test_a_measure_that_is_no_number_is_no_signal() -> None:
    nothing = float("nan")
    unmeasured = replace(CALM, ne=nothing, calibration_ratio=nothing, ctr=nothing, drift_share=nothing)
    assert decided(unmeasured).verdict == "ok"


WAVE = replace(CALM, new_ads_share=0.25)
USUAL = replace(CALM, new_ads_share=0.04)


def test_a_wave_of_new_ads_is_a_cause_of_its_own() -> None:
    decision = decided(USUAL, USUAL, USUAL, replace(WAVE, ne=0.9), WAVE)
    assert (decision.verdict, decision.cause) == ("retrain", "new_ads")
    assert decision.reasons[0] == "New ads on 2 nights of the last 3 that can tell (2 needed)."
    assert "25.0% of the impressions show ads never seen before (usual 4.0%, limit 10.0%)" in decision.reasons[1]


@pytest.mark.parametrize(
    ("share", "usual", "counts"), [(0.099, 0.01, False), (0.1, 0.01, True), (0.19, 0.1, False), (0.2, 0.1, True)]
)
def test_new_ads_count_beyond_their_usual_share_and_beyond_the_least_one(share, usual, counts) -> None:
    signals = night_signals(replace(CALM, new_ads_share=share), THRESHOLDS, usual)
    assert [signal.name for signal in signals] == (["new_ads_share"] if counts else [])


def test_without_nights_before_no_share_of_new_ads_is_unusual() -> None:
    assert decided(USUAL, USUAL, WAVE).verdict == "ok"


def test_a_launch_on_one_night_and_a_shift_on_another_do_not_add_up() -> None:
    decision = decided(USUAL, USUAL, USUAL, replace(SHIFTED, new_ads_share=0.04), WAVE)
    assert (decision.verdict, decision.cause) == ("watch", "new_ads")
    assert "Evidence on 2 nights of the last 3 that can tell (2 needed)." in decision.reasons


@pytest.mark.parametrize(
    ("rejected", "days_since", "verdict"),
    [(0, 4, "retrain"), (1, 4, "retrain"), (2, 6, "wait"), (2, 7, "retrain"), (3, 12, "wait"), (3, 13, "retrain")],
)
def test_what_did_not_help_twice_is_tried_less_and_less_often(rejected: int, days_since: int, verdict: str) -> None:
    last = LATEST - timedelta(days=days_since)
    night = replace(DECAYED, last_training=last, rejected_trainings=rejected)
    decision = decided(night, night, night)
    assert decision.verdict == verdict
    if verdict == "wait":
        assert decision.cause == "cooldown"
        assert f"{rejected} in a row were refused" in decision.reasons[-1]


def test_the_cool_down_grows_to_its_longest_and_no_further() -> None:
    night = replace(DECAYED, last_training=LATEST - timedelta(days=29), rejected_trainings=1000)
    assert decided(night, night, night).verdict == "retrain"


def test_an_empty_history_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one night"):
        decide([], POLICY, THRESHOLDS, 5)


FACTS = st.builds(
    NightFacts,
    day=st.dates(date(2026, 1, 1), date(2026, 1, 20)),
    broken=st.sampled_from([(), ("outage",)]),
    drift_share=st.none() | st.floats(0, 1),
    ne=st.none() | st.floats(0.5, 1.5),
    ne_promised=st.just(1.0),
    calibration_ratio=st.none() | st.floats(0.5, 2),
    impressions=st.integers(0, 2000),
    labels_final=st.booleans(),
    mature_days=st.integers(0, 10),
    has_champion=st.booleans(),
    last_training=st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 20)),
)


@settings(max_examples=100)
@given(st.lists(FACTS, min_size=1, max_size=6, unique_by=lambda night: night.day))
def test_training_is_never_asked_for_on_broken_input_too_few_labels_or_in_the_cooldown(
    history: list[NightFacts],
) -> None:
    decision = decide(history, POLICY, THRESHOLDS, min_mature_days=5)
    latest = max(history, key=lambda night: night.day)
    assert decision.reasons
    assert (decision.verdict == "blocked") == bool(latest.broken)
    if decision.verdict == "retrain":
        assert latest.mature_days >= 5
        assert latest.last_training is None or (latest.day - latest.last_training).days > POLICY.cooldown_days
