"""The promotion gate: who is promoted, who is not, and each limit just below, at and above."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from conf.settings import PromotionPolicy
from validation.promotion import judge
from validation.verdict import Check, PairedScores, Verdict

POLICY = PromotionPolicy()
ROWS = 40_000
USERS = 2_000


def world(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """True log odds, clicks, users, and a slice of four equal levels."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, USERS, ROWS)
    logit = -2.5 + rng.normal(0, 0.5, USERS)[user] + rng.normal(0, 0.8, ROWS)
    clicked = rng.random(ROWS) < probability(logit)
    return logit, clicked.astype(float), user, np.array(["a", "b", "c", "d"])[np.arange(ROWS) % 4]


def probability(logit: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-logit))


def blurred(logit: np.ndarray, seed: int, spread: float = 0.4) -> np.ndarray:
    """Predictions that miss the truth at random, as many high as low in sum."""
    p = probability(logit + np.random.default_rng(seed).normal(0, spread, len(logit)))
    return p * probability(logit).sum() / p.sum()


def scores(challenger: np.ndarray | None = None, champion: np.ndarray | None = None, seed: int = 1) -> PairedScores:
    """A challenger that knows the truth against a champion that misses it, unless told otherwise."""
    logit, clicked, user, slot = world(seed)
    return PairedScores(
        clicked=clicked,
        challenger=probability(logit) if challenger is None else challenger,
        champion=blurred(logit, seed=100 + seed, spread=0.6) if champion is None else champion,
        cluster=user,
        slices={"slot": slot},
    )


def checked(verdict: Verdict, name: str) -> Check:
    return {check.name: check for check in verdict.checks}[name]


def verdict_with(given: PairedScores, **settings: float) -> Verdict:
    return judge(given, POLICY.model_copy(update=settings), champion="version 3")


def test_a_better_challenger_is_promoted() -> None:
    verdict = judge(scores(), POLICY, champion="version 3")
    assert verdict.promote
    assert verdict.objections == ()
    assert verdict.difference is not None
    assert verdict.difference.low < verdict.difference.value < verdict.difference.high < 0


def test_the_same_predictions_are_not_promoted() -> None:
    logit = world()[0]
    verdict = judge(scores(probability(logit), probability(logit)), POLICY, champion="version 3")
    assert not verdict.promote
    assert [check.name for check in verdict.checks if not check.passed] == ["lower_ne"]


def test_an_equal_challenger_is_hardly_ever_promoted() -> None:
    promoted = 0
    for seed in range(100):
        logit = world(seed)[0]
        promoted += judge(
            scores(blurred(logit, 200 + seed), blurred(logit, 400 + seed), seed), POLICY, champion="version 3"
        ).promote
    # Ninety-nine in a hundred are refused on average; four of a hundred come by chance about once in fifty.
    assert promoted <= 3


def test_a_worse_challenger_is_not_promoted() -> None:
    logit = world()[0]
    verdict = judge(scores(blurred(logit, 1), probability(logit)), POLICY, champion="version 3")
    assert not checked(verdict, "lower_ne").passed


def test_ne_and_its_difference_are_what_their_definition_says() -> None:
    given = scores()
    verdict = judge(given, POLICY, champion="version 3")
    rate = given.clicked.mean()
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    losses = [
        -np.mean(given.clicked * np.log(p) + (1 - given.clicked) * np.log(1 - p)) / entropy
        for p in (given.challenger, given.champion)
    ]
    assert [verdict.ne_challenger, verdict.ne_champion] == pytest.approx(losses)
    assert verdict.difference is not None
    assert verdict.difference.value == pytest.approx(losses[0] - losses[1])


def test_against_the_prior_a_first_model_that_knows_something_is_promoted() -> None:
    verdict = judge(scores(champion=np.full(ROWS, 0.1)), POLICY, champion="the prior")
    assert verdict.promote
    assert "the prior" in checked(verdict, "lower_ne").sentence


def test_users_that_repeat_themselves_are_no_new_evidence() -> None:
    once = scores(blurred(world()[0], 1, 0.3))
    twice = replace(
        once,
        clicked=np.tile(once.clicked, 2),
        challenger=np.tile(once.challenger, 2),
        champion=np.tile(once.champion, 2),
        cluster=np.tile(once.cluster, 2),
        slices={},
    )
    first, second = (judge(given, POLICY, champion="version 3").difference for given in (once, twice))
    assert first is not None
    assert second is not None
    assert (second.low, second.high) == pytest.approx((first.low, first.high))


@pytest.mark.parametrize(("beyond", "promoted"), [(-1e-9, True), (0.0, True), (1e-9, False)])
def test_the_confidence_asked_for_is_reached_or_not(beyond: float, promoted: bool) -> None:
    given = scores(blurred(world()[0], 1, 0.52))
    certainty = checked(judge(given, POLICY, champion="version 3"), "lower_ne").observed
    assert certainty is not None
    assert 0.6 < certainty < 0.9999
    assert checked(verdict_with(given, confidence=certainty + beyond), "lower_ne").passed is promoted


@pytest.mark.parametrize(("setting", "outwards"), [("min_calibration_ratio", 1.0), ("max_calibration_ratio", -1.0)])
@pytest.mark.parametrize(
    ("beyond", "passed", "chance"), [(-1e-9, True, False), (0.01, True, True), (0.1, False, False)]
)
def test_a_calibration_ratio_fails_where_it_is_out_of_bounds_by_more_than_chance(
    setting: str, outwards: float, beyond: float, passed: bool, chance: bool
) -> None:
    given = scores()
    ratio = float(given.challenger.sum() / given.clicked.sum())
    check = checked(verdict_with(given, **{setting: ratio + outwards * beyond}), "calibration")
    assert check.passed is passed
    assert ("may be chance" in check.sentence) is chance


@pytest.mark.parametrize(("factor", "promoted"), [(0.8, False), (1.0, True), (1.25, False)])
def test_a_miscalibrated_challenger_is_not_promoted_however_much_it_knows(factor: float, promoted: bool) -> None:
    logit = world()[0]
    given = scores(np.clip(factor * probability(logit), 0, 1), np.full(ROWS, 0.1))
    verdict = judge(given, POLICY, champion="the prior")
    assert checked(verdict, "lower_ne").passed
    assert checked(verdict, "calibration").passed is promoted
    assert verdict.promote is promoted


def harmed_on_a() -> PairedScores:
    """Better in all, but on level a of the slice it knows nothing; calibrated there."""
    given = scores()
    on_a = given.slices["slot"] == "a"
    challenger = np.where(on_a, given.challenger[on_a].mean(), given.challenger)
    champion = np.where(on_a, given.challenger, np.full(ROWS, 0.1))
    return replace(given, challenger=challenger, champion=champion)


def test_a_slice_made_clearly_worse_blocks() -> None:
    verdict = judge(harmed_on_a(), POLICY, champion="version 3")
    assert checked(verdict, "lower_ne").passed
    assert [check.name for check in verdict.checks if not check.passed] == ["unharmed slot=a"]
    assert not verdict.promote


@pytest.mark.parametrize(("beyond", "passed"), [(-1e-9, False), (0.0, True), (1e-9, True)])
def test_a_slice_may_lose_up_to_the_limit(beyond: float, passed: bool) -> None:
    harm = checked(judge(harmed_on_a(), POLICY, champion="version 3"), "unharmed slot=a").observed
    assert harm is not None
    assert harm > POLICY.max_slice_harm
    verdict = verdict_with(harmed_on_a(), max_slice_harm=harm + beyond)
    assert checked(verdict, "unharmed slot=a").passed is passed


@pytest.mark.parametrize(("least", "looked_at"), [(9_999, True), (10_000, True), (10_001, False)])
def test_only_large_slices_are_looked_at(least: int, looked_at: bool) -> None:
    verdict = verdict_with(harmed_on_a(), min_slice_impressions=least)
    assert any(check.name == "unharmed slot=a" for check in verdict.checks) is looked_at
    assert verdict.promote is not looked_at


def test_a_loss_that_may_be_chance_does_not_block_a_slice() -> None:
    given = scores()
    on_a = given.slices["slot"] == "a"
    one, other = (np.where(on_a, blurred(world()[0], seed, 0.2), given.challenger) for seed in (5, 6))
    verdicts = [
        verdict_with(replace(given, challenger=first, champion=second), max_slice_harm=0.0)
        for first, second in ((one, other), (other, one))
    ]
    # Either the one or the other has lost a little on this level.
    found = max((checked(verdict, "unharmed slot=a") for verdict in verdicts), key=lambda check: check.observed or 0.0)
    assert found.observed is not None
    assert found.observed > 0
    assert found.passed
    assert "chance" in found.sentence


def shifted_on_a(challenger: float, champion: float) -> PairedScores:
    """Both know the truth but for a factor on level a; the challenger is better elsewhere."""
    given = scores()
    on_a = given.slices["slot"] == "a"
    truth = given.challenger
    return replace(
        given,
        challenger=np.where(on_a, np.clip(challenger * truth, 0, 1), truth),
        champion=np.where(on_a, np.clip(champion * truth, 0, 1), 0.1),
    )


def test_a_slice_clearly_out_of_calibration_blocks() -> None:
    verdict = verdict_with(shifted_on_a(challenger=1.25, champion=1.0), max_slice_harm=1.0)
    assert checked(verdict, "calibration").passed
    assert [check.name for check in verdict.checks if not check.passed] == ["calibration slot=a"]


def test_a_slice_on_which_the_champion_is_further_off_does_not_block() -> None:
    found = checked(judge(shifted_on_a(1.25, 1.6), POLICY, champion="version 3"), "calibration slot=a")
    assert found.passed
    assert "version 3 is further off" in found.sentence


def test_a_slice_with_hardly_a_click_is_not_called_miscalibrated_for_it() -> None:
    given = scores()
    rare = np.arange(ROWS) < 3_000
    given = replace(
        given,
        clicked=np.where(rare, 0.0, given.clicked),
        challenger=np.where(rare, 0.001, given.challenger),
        champion=np.where(rare, 0.0005, given.champion),
        slices={"rare": rare},
    )
    found = checked(judge(given, POLICY, champion="version 3"), "calibration rare=True")
    assert (found.passed, found.observed) == (True, None)
    assert "3.0 clicks were predicted and 0 happened" in found.sentence


def test_missing_labels_of_a_slice_are_a_level_of_their_own() -> None:
    given = scores()
    labels = given.slices["slot"].astype(object)
    labels[labels == "a"] = None
    verdict = judge(replace(given, slices={"slot": labels}), POLICY, champion="version 3")
    assert checked(verdict, "unharmed slot=(missing)").passed


@pytest.mark.parametrize(("least", "enough"), [(ROWS - 1, True), (ROWS, True), (ROWS + 1, False)])
def test_too_few_impressions_are_refused_with_the_reason(least: int, enough: bool) -> None:
    verdict = verdict_with(scores(), min_impressions=least)
    assert verdict.promote is enough
    if not enough:
        assert verdict.objections == ("Compared on 40,000 impressions; at least 40,001 are needed.",)
        assert verdict.difference is None


@pytest.mark.parametrize(("users", "enough"), [(29, False), (30, True), (31, True)])
def test_too_few_users_are_refused(users: int, enough: bool) -> None:
    verdict = judge(replace(scores(), cluster=np.arange(ROWS) % users), POLICY, champion="version 3")
    assert checked(verdict, "enough_users").passed is enough
    assert (verdict.difference is not None) is enough


@pytest.mark.parametrize("clicked", [0.0, 1.0])
def test_one_class_only_is_refused(clicked: float) -> None:
    verdict = judge(replace(scores(), clicked=np.full(ROWS, clicked)), POLICY, champion="version 3")
    assert not verdict.promote
    assert [check.name for check in verdict.checks if not check.passed] == ["both_classes"]


def test_nothing_at_all_is_refused() -> None:
    none = np.array([])
    nothing = PairedScores(clicked=none, challenger=none, champion=none, cluster=none, slices={"slot": none})
    verdict = judge(nothing, POLICY, champion="version 3")
    assert (verdict.promote, verdict.impressions, verdict.clusters) == (False, 0, 0)


@pytest.mark.parametrize("broken", [np.nan, -0.1, 1.1])
def test_predictions_that_are_no_probabilities_are_refused(broken: float) -> None:
    challenger = probability(world()[0])
    challenger[7] = broken
    verdict = judge(scores(challenger), POLICY, champion="version 3")
    assert verdict.objections == ("1 predictions of the two models are missing or outside 0 to 1; none may be.",)


def test_arrays_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="one length"):
        replace(scores(), champion=np.zeros(3))


def test_the_verdict_can_be_written_as_json() -> None:
    content: Mapping[str, object] = json.loads(json.dumps(judge(scores(), POLICY, champion="version 3").to_dict()))
    assert content["promote"] is True
    assert content["champion"] == "version 3"
