"""The promotion gate: has the challenger proved, on later mature days, that it beats the champion?

Both models scored the same impressions, so their log losses are compared impression by impression and summed by user.
The prior stands in for the champion where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from conf.plain_text import one_line
from conf.settings import PromotionPolicy
from validation.cluster_error import Estimate, clustered_ratio, no_surer_than_coins
from validation.verdict import Check, Difference, PairedScores, Verdict

FEWEST_CLUSTERS = 30
"""Below some 30 clusters a cluster-robust error is too small (Cameron, Miller 2015, section VI)."""

SMALLEST_PROBABILITY = 1e-6
"""Keeps the log loss of a confident mistake finite."""


def judge(scores: PairedScores, policy: PromotionPolicy, *, champion: str) -> Verdict:
    """The verdict on the challenger. `champion` is how the sentences call its opponent, such as `version 3`.

    It is promoted if every check holds: enough to judge from; NE lower with the policy's confidence; the calibration
    ratio not out of the policy's bounds by more than chance; and no large slice clearly harmed or miscalibrated (see
    `_slice_checks`).
    """
    cluster = np.unique(scores.cluster, return_inverse=True)[1]
    clusters = int(np.max(cluster)) + 1 if len(cluster) else 0
    grounds = _grounds(scores, clusters, policy)
    if not all(check.passed for check in grounds):
        return Verdict(False, champion, grounds, len(scores.clicked), clusters)
    scores = _in_double_precision(scores)
    clicked = scores.clicked
    loss, champion_loss = log_loss(clicked, scores.challenger), log_loss(clicked, scores.champion)
    entropy = float(log_loss(clicked, np.full(len(clicked), clicked.mean())).mean())
    gain = clustered_ratio(champion_loss - loss, np.ones(len(clicked)), cluster)
    ne, champion_ne = float(loss.mean()) / entropy, float(champion_loss.mean()) / entropy
    checks = (
        *grounds,
        _better(gain, ne, champion_ne, policy, champion),
        _calibrated(clicked, scores.challenger, cluster, policy),
        *_slice_checks(scores, loss, champion_loss, cluster, policy, champion),
    )
    margin = gain.margin(policy.confidence) / entropy
    value = ne - champion_ne
    return Verdict(
        promote=all(check.passed for check in checks),
        champion=champion,
        checks=checks,
        impressions=len(clicked),
        clusters=clusters,
        ne_challenger=ne,
        ne_champion=champion_ne,
        difference=Difference(value, value - margin, value + margin, policy.confidence),
    )


def log_loss(clicked: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Log loss of each impression in nats, of probabilities kept 1e-6 away from 0 and 1."""
    p = np.clip(np.asarray(p, dtype=np.float64), SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    return -np.where(clicked == 1, np.log(p), np.log1p(-p))


def _in_double_precision(scores: PairedScores) -> PairedScores:
    """The same scores: sums over many impressions lose clicks in single precision."""
    return replace(
        scores,
        clicked=np.asarray(scores.clicked, dtype=np.float64),
        challenger=np.asarray(scores.challenger, dtype=np.float64),
        champion=np.asarray(scores.champion, dtype=np.float64),
    )


def _grounds(scores: PairedScores, clusters: int, policy: PromotionPolicy) -> tuple[Check, ...]:
    """What must be given before anything can be compared."""
    impressions, clicks = len(scores.clicked), int(np.sum(scores.clicked))
    fewer = min(clicks, impressions - clicks)
    bad = int(sum(np.sum(~((p >= 0.0) & (p <= 1.0))) for p in (scores.challenger, scores.champion)))
    return (
        Check(
            "enough_impressions",
            impressions >= policy.min_impressions,
            impressions,
            policy.min_impressions,
            f"Compared on {impressions:,} impressions; at least {policy.min_impressions:,} are needed.",
        ),
        Check(
            "both_classes",
            fewer > 0,
            clicks,
            "some clicked, some not",
            f"{clicks:,} of the {impressions:,} impressions were clicked; a comparison needs some that were and some "
            "that were not.",
        ),
        Check(
            "enough_users",
            clusters >= FEWEST_CLUSTERS,
            clusters,
            FEWEST_CLUSTERS,
            f"The impressions come from {clusters:,} users; at least {FEWEST_CLUSTERS} are needed to tell a gain from "
            "chance.",
        ),
        Check(
            "probabilities",
            bad == 0,
            bad,
            0,
            f"{bad:,} predictions of the two models are missing or outside 0 to 1; none may be.",
        ),
    )


def _better(gain: Estimate, ne: float, champion_ne: float, policy: PromotionPolicy, champion: str) -> Check:
    certainty = gain.certainty_above(0.0)
    relative = ne / champion_ne - 1.0
    return Check(
        "lower_ne",
        gain.value > 0.0 and certainty >= policy.confidence,
        certainty,
        policy.confidence,
        f"NE is {ne:.4f} against {champion_ne:.4f} of {champion}, {_change(relative)}. That it is truly lower is "
        f"{_certain(certainty)} certain; {policy.confidence:.4g} is asked for.",
    )


def _calibrated(clicked: np.ndarray, p: np.ndarray, cluster: np.ndarray, policy: PromotionPolicy) -> Check:
    """Out of bounds by more than chance is a failure: with few clicks, a sound model is often out of them."""
    ratio = float(np.sum(p)) / float(clicked.sum())
    excess = _excess(clicked, p, cluster, policy)
    chance = excess.certainty_above(0.0) < policy.confidence
    return Check(
        "calibration",
        excess.value <= 0.0 or chance,
        ratio,
        _bounds(policy),
        f"{_predicted(clicked, p)}, a ratio of {ratio:.3f}; {_bounds(policy)} is allowed."
        + (" This may be chance." if excess.value > 0.0 and chance else ""),
    )


def _slice_checks(
    scores: PairedScores,
    loss: np.ndarray,
    champion_loss: np.ndarray,
    cluster: np.ndarray,
    policy: PromotionPolicy,
    champion: str,
) -> Iterator[Check]:
    """Two checks a large level: not harmed, not miscalibrated.

    A level fails only where it is beyond the limit and that is no chance: one-sided, with the policy's confidence
    shared among all these checks (Bonferroni), since of a hundred sound levels one looks harmed at 0.99. A level of one
    single user tells nothing of chance and is left out.
    """
    large = list(_large_levels(scores.slices, policy.min_slice_impressions))
    confidence = 1.0 - (1.0 - policy.confidence) / max(2 * len(large), 1)
    for name, rows in large:
        of_level = cluster[rows]
        if len(np.unique(of_level)) < 2:
            continue
        harm = clustered_ratio(loss[rows] - champion_loss[rows], champion_loss[rows], of_level)
        yield _unharmed(name, harm, len(of_level), policy, confidence, champion)
        p, champion_p = scores.challenger[rows], scores.champion[rows]
        yield _calibrated_level(name, scores.clicked[rows], p, champion_p, of_level, policy, confidence, champion)


def _large_levels(slices: Mapping[str, np.ndarray], least: int) -> Iterator[tuple[str, np.ndarray]]:
    """`name=level` and the positions of its impressions, for levels of at least `least`, the largest first."""
    for name, labels in slices.items():
        codes, found = pd.factorize(pd.Series(labels), use_na_sentinel=False)
        levels = list(found)
        sizes = np.bincount(codes, minlength=len(levels))
        for code in np.argsort(-sizes, kind="stable"):
            if sizes[code] >= least:
                level = "(missing)" if pd.isna(levels[int(code)]) else one_line(levels[int(code)])
                yield f"{name}={level}", np.flatnonzero(codes == code)


def _unharmed(
    name: str, harm: Estimate, impressions: int, policy: PromotionPolicy, confidence: float, champion: str
) -> Check:
    """`harm` is the relative NE loss: the entropy of the level stands in both NEs and cancels out."""
    chance = harm.certainty_above(0.0) < confidence
    beyond = harm.value > policy.max_slice_harm
    remark = " This may be chance." if beyond and chance else ""
    return Check(
        f"unharmed {name}",
        not beyond or chance,
        harm.value,
        policy.max_slice_harm,
        f"On {name} ({impressions:,} impressions) NE is {_change(harm.value)} than that of {champion}; "
        f"up to {100 * policy.max_slice_harm:g} % higher is allowed.{remark}",
    )


def _calibrated_level(
    name: str,
    clicked: np.ndarray,
    p: np.ndarray,
    champion_p: np.ndarray,
    cluster: np.ndarray,
    policy: PromotionPolicy,
    confidence: float,
    champion: str,
) -> Check:
    """Out of bounds by more than chance, and no nearer to the truth than the champion, is a failure.

    A level on which both are off, and the challenger less, is no reason to keep the champion.
    """
    happened = float(clicked.sum())
    excess = _excess(clicked, p, cluster, policy)
    within = excess.value <= 0.0
    chance = excess.certainty_above(0.0) < confidence
    nearer = abs(float(p.sum()) - happened) < abs(float(champion_p.sum()) - happened)
    ratio = float(p.sum()) / happened if happened else None
    remark = " This may be chance." if chance else f" {champion} is further off." if nearer else ""
    return Check(
        f"calibration {name}",
        within or chance or nearer,
        ratio,
        _bounds(policy),
        f"On {name} {_predicted(clicked, p)}"
        + (f", a ratio of {ratio:.3f}" if ratio is not None else "")
        + f"; {_bounds(policy)} is allowed."
        + ("" if within else remark),
    )


def _excess(clicked: np.ndarray, p: np.ndarray, cluster: np.ndarray, policy: PromotionPolicy) -> Estimate:
    """Clicks predicted beyond the nearer bound of the calibration ratio, a row; positive where out of bounds.

    Its error is at least what coins of these probabilities would have, since a level without a single click shows no
    spread of its own.
    """
    above = (p - policy.max_calibration_ratio * clicked, policy.max_calibration_ratio)
    below = (policy.min_calibration_ratio * clicked - p, policy.min_calibration_ratio)
    beyond, bound = max(above, below, key=lambda side: float(side[0].sum()))
    mean = clustered_ratio(beyond, np.ones(len(p)), cluster)
    return no_surer_than_coins(mean, p, bound)


def _bounds(policy: PromotionPolicy) -> str:
    return f"{policy.min_calibration_ratio:g} to {policy.max_calibration_ratio:g}"


def _predicted(clicked: np.ndarray, p: np.ndarray) -> str:
    return f"{float(np.sum(p)):,.1f} clicks were predicted and {float(clicked.sum()):,.0f} happened"


def _change(relative: float) -> str:
    return f"{abs(100 * relative):.2f} % {'higher' if relative > 0 else 'lower'}"


def _certain(certainty: float) -> str:
    return f"{certainty:.4f}" if certainty < 0.9999 else "more than 0.9999"
