"""How likely each impression is clicked, and when the clicks come.

The logit of a click is a sum: base rate, user, the user's interests against the ad's category and format, the ad's
own quality, its campaign, placement and format together, device, hour and weekday, session depth, how often the user
saw the campaign lately, and a slow random walk of categories and placements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import vocabulary as words
from simulation.ads import campaign_effects
from simulation.days import HOUR_MS
from simulation.draws import Floats, Ints, generator, normals
from simulation.settings import WorldSettings
from simulation.traffic import Impressions

WINDOW_MS = 24 * HOUR_MS
"""A click later than this after its impression is an accident and does not count."""
_PROMPT_MEDIAN_SECONDS = 34.0
_PROMPT_SIGMA = 1.1
_RETURNING_SHARE = 0.1
_RETURNING_MEDIAN_SECONDS = 5 * 3600.0
_RETURNING_SIGMA = 0.9
_REACTION_MS = 300
_LATEST_ACCIDENT_MS = 46 * HOUR_MS

_USER_BIAS = 0.55
_INTEREST = 0.45
_FORMAT_TASTE = 0.15
_AD_QUALITY = 0.45
_CAMPAIGN = 0.35
_DEPTH = -0.12
_FATIGUE = -0.3
_WALK_MEMORY = 0.97
_WALK_DAYS = 120
_WALK_STEP = 0.035


@dataclass(frozen=True, slots=True)
class Tastes:
    """What people like on the whole, as additions to the logit."""

    category: Floats
    country_category: Floats
    age_category: Floats
    placement_format: Floats
    device: Floats
    os: Floats
    hour: Floats
    weekday: Floats
    interest_of_category: Ints
    """Which of a user's interests each category appeals to."""


@dataclass(frozen=True, slots=True)
class ClickLog:
    """The clicks of one day's impressions, ordered by impression."""

    impression: Ints
    """Position in the day's impressions."""
    clicked_at: Ints
    """Milliseconds since 1970 UTC."""


def usual_tastes(seed: int) -> Tastes:
    """The tastes of a calm world. Each effect has the same spread whatever the seed."""

    def effect(purpose: str, size: float, rows: int, columns: int = 1) -> Floats:
        raw = normals(seed, f"taste {purpose}", np.arange(rows), columns)
        return size * (raw - raw.mean()) / raw.std()

    categories, placements, formats = len(words.CATEGORIES), len(words.PLACEMENTS), len(words.FORMATS)
    placement = effect("placement", 0.4, placements)
    phase = 2 * np.pi * np.arange(24) / 24
    return Tastes(
        category=effect("category", 0.4, categories)[:, 0],
        country_category=effect("country", 0.25, len(words.COUNTRIES), categories),
        age_category=effect("age", 0.3, len(words.AGE_GROUPS), categories),
        placement_format=placement + effect("placement and format", 0.3, placements, formats),
        device=effect("device", 0.2, len(words.DEVICES))[:, 0],
        os=effect("os", 0.08, len(words.OS_VERSIONS))[:, 0],
        hour=0.15 * np.sin(phase - 2.6) + 0.05 * np.sin(2 * phase),
        weekday=np.array([-0.04, -0.03, 0.0, 0.0, 0.03, 0.07, 0.05]),
        interest_of_category=np.arange(categories),
    )


def changed_tastes(tastes: Tastes, level: float) -> Tastes:
    """Tastes after people changed their minds: categories and placements swap what they evoke.

    At `level` 1.0 every category has taken over from the one half a list away; below, the two are mixed.
    """
    if level == 0.0:
        return tastes
    half = len(words.CATEGORIES) // 2

    def swapped(effect: Floats, by: int, axis: int) -> Floats:
        return (1.0 - level) * effect + level * np.roll(effect, by, axis=axis)

    converted = np.arange(len(words.CATEGORIES)) < round(level * len(words.CATEGORIES))
    return Tastes(
        category=swapped(tastes.category, half, 0),
        country_category=swapped(tastes.country_category, half, 1),
        age_category=swapped(tastes.age_category, half, 1),
        placement_format=swapped(tastes.placement_format, 2, 0),
        device=tastes.device,
        os=tastes.os,
        hour=tastes.hour,
        weekday=tastes.weekday,
        interest_of_category=np.where(
            converted, np.roll(tastes.interest_of_category, half), tastes.interest_of_category
        ),
    )


def recent_exposures(shown: Impressions, earlier: list[Impressions]) -> Ints:
    """How often each impression's user had seen its campaign: on the `earlier` days, and before on the same day."""
    key = shown.user_campaign
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    position = np.arange(len(key))
    is_head = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    same_day = np.empty(len(key), dtype=np.int64)
    same_day[order] = position - np.maximum.accumulate(np.where(is_head, position, 0))
    before = np.sort(np.concatenate([past.user_campaign for past in earlier])) if earlier else key[:0]
    return same_day + np.searchsorted(before, key, side="right") - np.searchsorted(before, key, side="left")


def click_logits(settings: WorldSettings, tastes: Tastes, shown: Impressions, exposures: Ints) -> Floats:
    """The logit of a click within the window for each impression, up to the world's intercept."""
    users, ads, pairs = shown.users, shown.ads, shown.pairs
    user, category, ad_format = pairs.user, ads.category[pairs.ad], ads.format[pairs.ad]
    category_walk, placement_walk = _walks(settings.seed, shown.day)
    person = (
        _USER_BIAS * users.bias[user]
        + _INTEREST * users.interests[user, tastes.interest_of_category[category]]
        + _FORMAT_TASTE * users.format_tastes[user, ad_format]
        + tastes.country_category[users.country[user], category]
        + tastes.age_category[users.age_group[user], category]
    )
    offer = (
        tastes.category[category]
        + category_walk[category]
        + _AD_QUALITY * ads.quality[pairs.ad]
        + _CAMPAIGN * campaign_effects(settings.seed, ads)[pairs.ad]
    )
    context = (
        tastes.placement_format[pairs.placement, ad_format]
        + placement_walk[pairs.placement]
        + tastes.device[pairs.device]
        + tastes.os[shown.os]
        + tastes.hour[shown.hour]
        + tastes.weekday[(shown.day + 6) % 7]
        + _DEPTH * np.log(shown.depth)
    )
    return person + offer + context + _FATIGUE * np.log1p(exposures)


def probabilities(logits: Floats) -> Floats:
    """The logistic function."""
    return 1.0 / (1.0 + np.exp(-logits))


def intercept_for(base_ctr: float, logits: Floats) -> float:
    """What to add to the logits so that the mean probability is `base_ctr`, found by halving an interval."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        if probabilities(logits + middle).mean() < base_ctr:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def drawn_clicks(settings: WorldSettings, shown: Impressions, p_click: Floats) -> ClickLog:
    """The clicks on a day's impressions: those with cause, within the window, and a few accidents long after it."""
    rng = generator(settings.seed, shown.day, "clicks")
    clicked = rng.random(len(p_click)) < p_click
    caused = np.flatnonzero(clicked)
    ignored = np.flatnonzero(~clicked)
    accidents = min(rng.binomial(len(caused), settings.accidental_click_share), len(ignored))
    stray = rng.choice(ignored, accidents, replace=False)
    delays = np.concatenate(
        [_delays_ms(rng, len(caused)), rng.integers(WINDOW_MS + 60_000, _LATEST_ACCIDENT_MS, accidents)]
    )
    impression = np.concatenate([caused, stray])
    order = np.argsort(impression, kind="stable")
    return ClickLog(impression[order], (shown.shown_at[impression] + delays)[order])


def _delays_ms(rng: np.random.Generator, count: int) -> Ints:
    """Lognormal delays, some of people who come back hours later; drawn again where they would leave the window."""
    delays = np.full(count, WINDOW_MS, dtype=np.int64)
    outside = np.arange(count)
    while len(outside):
        returning = rng.random(len(outside)) < _RETURNING_SHARE
        median = np.where(returning, _RETURNING_MEDIAN_SECONDS, _PROMPT_MEDIAN_SECONDS)
        sigma = np.where(returning, _RETURNING_SIGMA, _PROMPT_SIGMA)
        seconds = median * np.exp(sigma * rng.standard_normal(len(outside)))
        delays[outside] = _REACTION_MS + np.minimum(seconds * 1000.0, 2.0 * WINDOW_MS).astype(np.int64)
        outside = np.flatnonzero(delays >= WINDOW_MS)
    return delays


def _walks(seed: int, day: int) -> tuple[Floats, Floats]:
    """Slow random walks of the categories and placements on a day.

    Each is autoregressive and forgets what lies `_WALK_DAYS` back, so that any day can be had without the others.
    """
    lags = np.arange(_WALK_DAYS)
    categories, placements = len(words.CATEGORIES), len(words.PLACEMENTS)
    steps = normals(seed, "walk", day - lags, categories + placements)
    level = _WALK_STEP * (_WALK_MEMORY**lags) @ steps
    return level[:categories], level[categories:]
