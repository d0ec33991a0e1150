"""Who is shown which ad, where and when: the pairs expected the evening before, and what then happens."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulation import vocabulary as words
from simulation.ads import Ads
from simulation.days import HOUR_MS, midnight_ms
from simulation.draws import Floats, Ints, generator, weighted, weighted_by_row
from simulation.scenarios import Scenario
from simulation.settings import WorldSettings
from simulation.users import Users

_TARGETED_SHARE = 0.35
_ON_USUAL_DEVICE = 0.88
_SAME_DEVICE_AS_EXPECTED = 0.95
_NEW_USER_SURPRISES = 0.15
_NEW_AD_SURPRISES = 0.35
_NEW_SESSION_SHARE = 0.3
_GAP_SECONDS = 40.0
_OVERSAMPLING = 1.35


@dataclass(frozen=True, slots=True)
class Pairs:
    """A user and an ad with the context they may meet in; `user` and `ad` are positions in a day's Users and Ads."""

    user: Ints
    ad: Ints
    placement: Ints
    device: Ints

    def at(self, rows: Ints) -> Pairs:
        """The pairs at these positions."""
        return Pairs(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class Impressions:
    """The impressions of a day, ordered by time; `pairs` says who met what."""

    day: int
    users: Users
    ads: Ads
    pairs: Pairs
    os: Ints
    bid: Floats
    """Dollars."""
    depth: Ints
    """1 for the first ad of a session."""
    shown_at: Ints
    """Milliseconds since 1970 UTC."""
    hour: Ints
    """Local hour of the day, 0 to 23."""

    @property
    def user_campaign(self) -> Ints:
        """One number for each pair of a user and a campaign."""
        return self.users.numbers[self.pairs.user] * 2**36 + self.ads.campaign[self.pairs.ad]


def expected_pairs(settings: WorldSettings, scenario: Scenario, users: Users, ads: Ads, day: int) -> Pairs:
    """Distinct pairs of (user, ad, placement) that may meet on `day`, as far as known the evening before."""
    wanted = round(settings.impressions_per_day * settings.candidates_per_impression)
    rng = generator(settings.seed, day, "candidates")
    known_user = users.registered < day
    known_ad = (ads.launched < day) | ads.announced
    drawn = _drawn_pairs(rng, scenario, users, ads, day, known_user, known_ad, round(wanted * _OVERSAMPLING))
    key = (drawn.user * len(ads.numbers) + drawn.ad) * len(words.PLACEMENTS) + drawn.placement
    _, first = np.unique(key, return_index=True)
    return drawn.at(rng.permutation(first)[:wanted])


def shown_impressions(
    settings: WorldSettings, scenario: Scenario, users: Users, ads: Ads, expected: Pairs, day: int
) -> Impressions:
    """What was really shown on `day`: mostly expected pairs, some surprises, in sessions over the day."""
    rng = generator(settings.seed, day, "impressions")
    surprises = rng.binomial(settings.impressions_per_day, settings.surprise_share)
    foreseen = expected.at(rng.integers(0, len(expected.user), settings.impressions_per_day - surprises))
    other = _device_of(rng, scenario, users, foreseen.user, day)
    same = rng.random(len(other)) < _SAME_DEVICE_AS_EXPECTED
    foreseen = Pairs(foreseen.user, foreseen.ad, foreseen.placement, np.where(same, foreseen.device, other))
    unforeseen = _surprising_pairs(rng, scenario, users, ads, day, surprises)
    joined = Pairs(*(np.concatenate([getattr(foreseen, f.name), getattr(unforeseen, f.name)]) for f in fields(Pairs)))
    pairs, depth, elapsed_ms, hour = _in_sessions(settings, rng, joined, day)
    return Impressions(
        day=day,
        users=users,
        ads=ads,
        pairs=pairs,
        os=users.os_by_device[pairs.user, pairs.device],
        bid=(ads.bid[pairs.ad] * np.exp(0.25 * rng.standard_normal(len(depth)))).round(4),
        depth=depth,
        shown_at=midnight_ms(day, settings.time_zone) + elapsed_ms,
        hour=hour,
    )


def _drawn_pairs(
    rng: np.random.Generator,
    scenario: Scenario,
    users: Users,
    ads: Ads,
    day: int,
    user_allowed: NDArray[np.bool_],
    ad_allowed: NDArray[np.bool_],
    count: int,
) -> Pairs:
    user = weighted(rng.random(count), users.activity * _audience_tilt(scenario, users, day) * user_allowed)
    device = _device_of(rng, scenario, users, user, day)
    ad = _targeted_ads(rng, users, ads, ad_allowed, user)
    return Pairs(user=user, ad=ad, placement=_placement_of(rng, scenario, device, day), device=device)


def _surprising_pairs(
    rng: np.random.Generator, scenario: Scenario, users: Users, ads: Ads, day: int, count: int
) -> Pairs:
    everyone = np.ones(len(users.numbers), dtype=bool)
    every_ad = np.ones(len(ads.numbers), dtype=bool)
    drawn = _drawn_pairs(rng, scenario, users, ads, day, everyone, every_ad, count)
    kind = rng.random(count)
    by_new_user = kind < _NEW_USER_SURPRISES
    of_new_ad = (kind >= _NEW_USER_SURPRISES) & (kind < _NEW_USER_SURPRISES + _NEW_AD_SURPRISES)
    new_users = np.flatnonzero(users.registered == day)
    new_ads = np.flatnonzero((ads.launched == day) & ~ads.announced)
    user, ad, device = drawn.user.copy(), drawn.ad.copy(), drawn.device.copy()
    user[by_new_user] = rng.choice(new_users, by_new_user.sum())
    device[by_new_user] = _device_of(rng, scenario, users, user[by_new_user], day)
    if len(new_ads):
        ad[of_new_ad] = rng.choice(new_ads, of_new_ad.sum())
    return Pairs(user=user, ad=ad, placement=_placement_of(rng, scenario, device, day), device=device)


def _audience_tilt(scenario: Scenario, users: Users, day: int) -> Floats:
    """What a covariate drift multiplies each user's activity by: younger people and later countries come more."""
    level = scenario.level("covariate_drift", day)
    youth = 1.0 - 2.0 * users.age_group / (len(words.AGE_GROUPS) - 1)
    abroad = 2.0 * users.country / (len(words.COUNTRIES) - 1) - 1.0
    return np.exp(level * (0.8 * youth + 0.7 * abroad))


def _device_of(rng: np.random.Generator, scenario: Scenario, users: Users, user: Ints, day: int) -> Ints:
    level = scenario.level("covariate_drift", day)
    usual = np.where(users.moves[user] < level * 0.8, users.drifted_device[user], users.device[user])
    shares = (1.0 - level) * words.DEVICE_SHARES + level * words.DRIFTED_DEVICE_SHARES
    other = weighted(rng.random(len(user)), shares)
    return np.where(rng.random(len(user)) < _ON_USUAL_DEVICE, usual, other)


def _placement_of(rng: np.random.Generator, scenario: Scenario, device: Ints, day: int) -> Ints:
    tilt = words.DRIFTED_PLACEMENT_TILT ** scenario.level("covariate_drift", day)
    return weighted_by_row(rng.random(len(device)), (words.PLACEMENT_SHARES * tilt)[device])


def _targeted_ads(rng: np.random.Generator, users: Users, ads: Ads, allowed: NDArray[np.bool_], user: Ints) -> Ints:
    """One ad a user: for some, of a category the user likes; for the rest by the ads' weights alone."""
    weight = ads.weight * allowed
    by_category = np.argsort(ads.category, kind="stable")
    edges = np.concatenate([[0.0], np.cumsum(weight[by_category])])
    bounds = np.searchsorted(ads.category[by_category], np.arange(len(words.CATEGORIES) + 1))
    lows, highs = edges[bounds[:-1]], edges[bounds[1:]]
    liking = np.exp(0.8 * users.interests) * words.CATEGORY_SHARES * (highs > lows)
    category = weighted_by_row(rng.random(len(user)), liking[user])
    targeted = rng.random(len(user)) < _TARGETED_SHARE
    low = np.where(targeted, lows[category], 0.0)
    high = np.where(targeted, highs[category], edges[-1])
    place = np.searchsorted(edges[1:], low + rng.random(len(user)) * (high - low), side="right")
    return by_category[np.minimum(place, len(by_category) - 1)]


def _in_sessions(
    settings: WorldSettings, rng: np.random.Generator, pairs: Pairs, day: int
) -> tuple[Pairs, Ints, Ints, Ints]:
    """The pairs ordered by time, with session depth, milliseconds since midnight, and local hour."""
    count = len(pairs.user)
    order = np.argsort(pairs.user + rng.random(count), kind="stable")
    user = pairs.user[order]
    starts = rng.random(count) < _NEW_SESSION_SHARE
    starts[0] = True
    starts[1:] |= user[1:] != user[:-1]
    session = np.cumsum(starts) - 1
    heads = np.flatnonzero(starts)
    depth = np.arange(count) - heads[session] + 1
    since_first = np.cumsum(np.where(starts, 0.0, rng.exponential(_GAP_SECONDS, count) + 3.0))
    into_session = since_first - since_first[heads][session]
    longest = np.maximum.reduceat(into_session, heads)
    # Whole sessions fit into their day, so that a day's impressions need no other day.
    begins = _session_starts(rng, len(heads), day) * np.maximum(1.0 - (longest + 1.0) / 86_400.0, 0.0)
    seconds = np.minimum((begins[session] + into_session), 86_399.999)
    day_ms = midnight_ms(day + 1, settings.time_zone) - midnight_ms(day, settings.time_zone)
    elapsed_ms = (seconds * day_ms / 86_400.0).astype(np.int64)
    by_time = np.argsort(elapsed_ms, kind="stable")
    elapsed_ms = elapsed_ms[by_time]
    return pairs.at(order[by_time]), depth[by_time], elapsed_ms, elapsed_ms // HOUR_MS % 24


def _session_starts(rng: np.random.Generator, count: int, day: int) -> Floats:
    """Seconds since midnight at which sessions begin: evenings are busy, weekends start late."""
    weekend = (day + 6) % 7 >= 5
    shares = words.HOUR_SHARES * words.WEEKEND_HOUR_TILT if weekend else words.HOUR_SHARES
    return (weighted(rng.random(count), shares) + rng.random(count)) * 3600.0
