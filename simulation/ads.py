"""Which ads run on a day. Campaigns come and go in turns; each brings a burst of ads, then a trickle."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulation import vocabulary as words
from simulation.draws import Floats, Ints, generator, normals, uniforms, weighted
from simulation.scenarios import WAVE_DAYS, Scenario
from simulation.settings import WORLD_BEGINS, WorldSettings

LONGEST_LIFE = 40
"""Days; no ad runs longer, so the ads of a day were all launched within that many days."""
_SHORTEST_LIFE = 3
_BURST = 2
_BURST_EXTRA = 3.0
_TRICKLE = 0.05
_WAVE = 0.9
_ADS_A_DAY = 10_000
_TURNS = 100_000


@dataclass(frozen=True, slots=True)
class Ads:
    """Some ads; every array has one entry an ad, ordered by `numbers`."""

    numbers: Ints
    campaign: Ints
    advertiser: Ints
    category: Ints
    format: Ints
    launched: Ints
    """Ordinal of the first day."""
    retires: Ints
    """Ordinal of the day after the last."""
    announced: NDArray[np.bool_]
    """Whether the ad was known the evening before its launch."""
    quality: Floats
    landing_page_score: Floats
    """In 0..1; NaN where nobody rated the page."""
    weight: Floats
    """Heavy-tailed weight in being shown."""
    bid: Floats
    """Typical bid in dollars."""

    def only(self, kept: NDArray[np.bool_]) -> Ads:
        """The ads where `kept` is true."""
        return Ads(**{field.name: getattr(self, field.name)[kept] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class _Slots:
    """Places for campaigns: in each, one campaign follows another every `period` days."""

    advertiser: Ints
    category: Ints
    period: Ints
    phase: Ints


def joined_ads(parts: list[Ads]) -> Ads:
    """All ads of `parts`, in that order."""
    return Ads(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Ads)})


def ads_launched_on(settings: WorldSettings, scenario: Scenario, day: int) -> Ads:
    """The ads whose first day is `day`. A wave adds ads after the usual ones and leaves those as they were."""
    slots = _campaign_slots(settings)
    turn = (day + slots.phase) // slots.period
    starting = (day + slots.phase) % slots.period == 0
    rng = generator(settings.seed, day, "launches")
    usual = np.where(starting, _BURST + rng.poisson(_BURST_EXTRA, len(turn)), rng.poisson(_TRICKLE, len(turn)))
    extra = generator(settings.seed, day, "wave").poisson(_WAVE * scenario.level("new_ads", day, WAVE_DAYS), len(turn))
    slot = np.concatenate([np.repeat(np.arange(len(turn)), usual), np.repeat(np.arange(len(turn)), extra)])
    numbers = (day - WORLD_BEGINS.toordinal()) * _ADS_A_DAY + np.arange(len(slot), dtype=np.int64)
    traits = uniforms(settings.seed, "ad traits", numbers, 6)
    quality, rating = normals(settings.seed, "ad quality", numbers, 2).T
    life = _SHORTEST_LIFE - 10.0 * np.log(traits[:, 0])
    score = np.clip(0.55 + 0.13 * quality + 0.11 * rating, 0.0, 1.0).round(3)
    return Ads(
        numbers=numbers,
        campaign=slot * _TURNS + turn[slot],
        advertiser=slots.advertiser[slot],
        category=slots.category[slot],
        format=weighted(traits[:, 1], words.FORMAT_SHARES),
        launched=np.full(len(slot), day, dtype=np.int64),
        retires=day + np.clip(life.round().astype(np.int64), _SHORTEST_LIFE, LONGEST_LIFE),
        announced=traits[:, 2] < 0.7,
        quality=quality,
        landing_page_score=np.where(traits[:, 3] < 0.06, np.nan, score),
        weight=np.minimum(traits[:, 4] ** -0.55, 12.0) * np.exp(0.2 * quality),
        bid=0.9 * np.exp(0.5 * normals(settings.seed, "ad bid", numbers)[:, 0]),
    )


def campaign_effects(seed: int, ads: Ads) -> Floats:
    """Standard normal effect of each ad's campaign and advertiser together."""
    campaign = normals(seed, "campaign effect", ads.campaign)[:, 0]
    advertiser = normals(seed, "advertiser effect", ads.advertiser)[:, 0]
    return 0.8 * campaign + 0.6 * advertiser


def _campaign_slots(settings: WorldSettings) -> _Slots:
    slot = np.arange(settings.advertisers * settings.campaigns_per_advertiser)
    advertiser = slot // settings.campaigns_per_advertiser
    own = uniforms(settings.seed, "campaign slot", slot, 4)
    shared = uniforms(settings.seed, "advertiser", advertiser, 3)
    # Half of an advertiser's campaigns share its rhythm and so start together.
    in_rhythm = own[:, 0] < 0.5
    rhythm = np.where(in_rhythm, shared[:, 0], own[:, 1])
    offset = np.where(in_rhythm, shared[:, 1], own[:, 2])
    in_trade = own[:, 3] < 0.8
    category = np.where(in_trade, shared[:, 2], own[:, 3] * 5.0 - 4.0)
    period = 20 + (30 * rhythm).astype(np.int64)
    return _Slots(
        advertiser=advertiser,
        category=weighted(category, words.CATEGORY_SHARES),
        period=period,
        phase=(offset * period).astype(np.int64),
    )
