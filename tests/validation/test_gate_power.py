"""Trials of the gate whose right answer is known."""

import numpy as np
import pytest

from conf.errors import SettingsError
from conf.settings import PromotionPolicy
from validation.gate_power import TrialWorld, _drawn, _parts, gate_power
from validation.promotion import log_loss

WORLD = TrialWorld(impressions=100_000, ctr=0.05)


def ne(clicked: np.ndarray, p: np.ndarray) -> float:
    base = np.full(len(clicked), clicked.mean())
    return float(log_loss(clicked, p).mean() / log_loss(clicked, base).mean())


def test_the_drawn_log_is_as_the_world_says() -> None:
    world = TrialWorld(impressions=400_000, ctr=0.05, gain=0.02, alone=0.1)
    scores = _drawn(world, _parts(world), np.random.default_rng(1))
    assert scores.clicked.mean() == pytest.approx(0.05, rel=0.03)
    for p in (scores.challenger, scores.champion):
        assert p.sum() / scores.clicked.sum() == pytest.approx(1.0, abs=0.03)
    champion, challenger = ne(scores.clicked, scores.champion), ne(scores.clicked, scores.challenger)
    assert champion == pytest.approx(0.9, abs=0.01)
    assert challenger / champion - 1.0 == pytest.approx(-0.02, abs=0.004)


def test_a_clearly_better_challenger_is_promoted_and_a_worse_one_never() -> None:
    better = gate_power(TrialWorld(impressions=100_000, ctr=0.05, gain=0.02), PromotionPolicy(), trials=10)
    worse = gate_power(TrialWorld(impressions=100_000, ctr=0.05, gain=-0.005), PromotionPolicy(), trials=10)
    assert better.promoted >= 9
    assert worse.promoted == 0
    assert better.low < better.share <= better.high


def test_the_same_seed_gives_the_same_trials() -> None:
    world = TrialWorld(impressions=5_000, ctr=0.1)
    first, second = (gate_power(world, PromotionPolicy(), trials=3, seed=5) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("world", "words"),
    [
        ({"ctr": 0.7}, "click rate of 0.7"),
        ({"champion_ne": 0.5}, "beyond what can be known"),
        ({"gain": -0.05, "alone": 0.001}, "raise `alone`"),
        ({"alone": 0.9, "champion_ne": 0.8}, "more than there is"),
    ],
)
def test_a_world_that_cannot_be_is_refused_with_words(world: dict[str, float], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        gate_power(TrialWorld(**world), PromotionPolicy(), trials=1)
