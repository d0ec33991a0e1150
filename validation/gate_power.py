"""How often the promotion gate is right: trials in which the better model is known beforehand.

In each trial a log is drawn in which the log odds of a click are a sum of independent normal parts: one that both
models know, one that the champion alone knows, one that the challenger alone knows, and one that nobody knows. Half of
every part belongs to the user, so that impressions of one user depend on each other. Each model predicts the exact
expectation given what it knows: both are calibrated, and their NEs follow from the sizes of the parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats
from scipy.special import expit, logit

from conf.errors import SettingsError
from conf.settings import PromotionPolicy
from validation.promotion import judge
from validation.verdict import PairedScores

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_GRID = np.linspace(-14.0, 8.0, 2_201)
_SLICES = {"placement": 5, "device": 4}
"""Slicing columns of the drawn logs, with their number of levels; some levels are three times as large as others."""


@dataclass(frozen=True)
class TrialWorld:
    """A log to draw, and what the models know of it.

    `gain` is how much lower the challenger's NE truly is, as a share of the champion's; below 0 it is worse. `alone` is
    the share of what the champion knows that the challenger does not: 0 where the challenger has only learned more,
    near 1 where the two have nothing in common.
    """

    impressions: int = 200_000
    ctr: float = 0.03
    champion_ne: float = 0.9
    gain: float = 0.005
    alone: float = 0.05
    spread: float = 1.5
    """Standard deviation of the true log odds."""
    impressions_by_user: float = 8.0

    def __post_init__(self) -> None:
        if not (0.0 < self.ctr < 0.5 and 0.0 <= self.alone < 1.0 and abs(self.gain) < 0.1):
            raise SettingsError(
                f"A click rate of {self.ctr}, a gain of {self.gain} and a share alone of {self.alone} cannot be drawn: "
                "they have to lie between 0 and 0.5, -0.1 and 0.1, 0 and 1."
            )


@dataclass(frozen=True)
class Power:
    """How many trials ended in a promotion, with 95 % limits of the share (Clopper and Pearson)."""

    world: TrialWorld
    trials: int
    promoted: int
    low: float
    high: float
    disagreement: float
    """Standard deviation of the difference of the two models' log odds."""

    @property
    def share(self) -> float:
        """Promotions / trials."""
        return self.promoted / self.trials


@dataclass(frozen=True)
class _Parts:
    """Variances of the parts of the log odds, and their mean."""

    mean: float
    both: float
    champion: float
    challenger: float
    nobody: float


def gate_power(
    world: TrialWorld,
    policy: PromotionPolicy,
    *,
    trials: int,
    seed: int = 7,
    on_trial: Callable[[], Any] = lambda: None,
) -> Power:
    """The gate's verdicts on `trials` logs of one world, by the policy given."""
    parts = _parts(world)
    promoted, disagreements = 0, []
    for trial in range(trials):
        scores = _drawn(world, parts, np.random.default_rng([seed, trial]))
        promoted += judge(scores, policy, champion="the champion").promote
        disagreements.append(float((logit(scores.challenger) - logit(scores.champion)).std()))
        on_trial()
    limits = stats.binomtest(promoted, trials).proportion_ci(method="exact")
    return Power(world, trials, promoted, float(limits.low), float(limits.high), float(np.mean(disagreements)))


def _parts(world: TrialWorld) -> _Parts:
    """The parts that give the world its click rate and both models their NEs.

    Raises:
        SettingsError: more would have to be known than there is.
    """
    total = world.spread**2
    mean = optimize.brentq(lambda m: float(_WEIGHTS @ expit(m + world.spread * _NODES)) - world.ctr, -14.0, 4.0)
    champion = _known_for(world.champion_ne, mean, total, world.ctr)
    challenger = _known_for(world.champion_ne * (1.0 - world.gain), mean, total, world.ctr)
    both = (1.0 - world.alone) * champion
    if challenger < both:
        raise SettingsError(f"A challenger {-world.gain:.1%} worse knows less than what both know: raise `alone`.")
    nobody = total - both - (champion - both) - (challenger - both)
    if nobody < 0.0:
        raise SettingsError("The two models would have to know more than there is: lower `alone` or `gain`.")
    return _Parts(mean, both, champion - both, challenger - both, nobody)


def _known_for(ne: float, mean: float, total: float, ctr: float) -> float:
    """The variance of the log odds that a model has to know for its NE."""
    entropy = _entropy(np.array(ctr))

    def ne_of(known: float) -> float:
        p = _expected(mean + np.sqrt(known) * _NODES, total - known)
        return float(_WEIGHTS @ _entropy(p) / entropy)

    if ne_of(total) > ne:
        raise SettingsError(f"An NE of {ne:.4f} is beyond what can be known: {ne_of(total):.4f}. Raise `spread`.")
    return float(optimize.brentq(lambda known: ne_of(known) - ne, 0.0, total))


def _entropy(p: np.ndarray) -> np.ndarray:
    """Entropy in nats of clicks of the probabilities `p`, which is their expected log loss. Shape of `p`."""
    return -(p * np.log(p) + (1 - p) * np.log1p(-p))


def _expected(log_odds: np.ndarray, unknown: float) -> np.ndarray:
    """Probabilities where normal noise of the variance `unknown` is added to the log odds. Shape of `log_odds`."""
    return expit(log_odds[:, None] + np.sqrt(max(unknown, 0.0)) * _NODES[None, :]) @ _WEIGHTS


def _drawn(world: TrialWorld, parts: _Parts, random: np.random.Generator) -> PairedScores:
    users = max(2, int(world.impressions / world.impressions_by_user))
    cluster = random.choice(users, world.impressions, p=_activity(users, random))

    def part(variance: float) -> np.ndarray:
        of_user = random.standard_normal(users)[cluster]
        own = random.standard_normal(world.impressions)
        return np.sqrt(variance / 2.0) * (of_user + own)

    both, champion, challenger = part(parts.both), part(parts.champion), part(parts.challenger)
    truth = parts.mean + both + champion + challenger + part(parts.nobody)
    return PairedScores(
        clicked=(random.random(world.impressions) < expit(truth)).astype(float),
        challenger=_predicted(parts, both + challenger, parts.champion),
        champion=_predicted(parts, both + champion, parts.challenger),
        cluster=cluster,
        slices={name: _levels(levels, world.impressions, random) for name, levels in _SLICES.items()},
    )


def _activity(users: int, random: np.random.Generator) -> np.ndarray:
    """Shares of the traffic by user: few make much of it."""
    weight = random.lognormal(0.0, 1.0, users)
    return weight / weight.sum()


def _predicted(parts: _Parts, known: np.ndarray, others: float) -> np.ndarray:
    expected = _expected(_GRID, parts.nobody + others)
    return np.interp(parts.mean + known, _GRID, expected)


def _levels(count: int, rows: int, random: np.random.Generator) -> np.ndarray:
    sizes = np.where(np.arange(count) % 2, 1.0, 3.0)
    return random.choice(count, rows, p=sizes / sizes.sum()).astype(str)
