"""The simulated world as a whole: any day of it, made from the settings, the scenario and the day alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache, partial

import numpy as np

from conf.errors import SettingsError
from simulation.ads import LONGEST_LIFE, Ads, ads_launched_on, joined_ads
from simulation.clicks import (
    ClickLog,
    changed_tastes,
    click_logits,
    drawn_clicks,
    intercept_for,
    probabilities,
    recent_exposures,
    usual_tastes,
)
from simulation.draws import Floats
from simulation.scenarios import Scenario
from simulation.settings import WORLD_BEGINS, WorldSettings
from simulation.traffic import Impressions, Pairs, expected_pairs, shown_impressions
from simulation.users import Users, users_on

FIRST_DAY = WORLD_BEGINS + timedelta(days=60)
"""Before this the world has too little past to look like itself."""
_FATIGUE_DAYS = 3
_KEPT_DAYS = 8
_REFERENCE_DAYS = tuple(WORLD_BEGINS.toordinal() + 400 + 61 * step for step in range(12))
_REFERENCE_IMPRESSIONS = 6_000


class World:
    """Days of one world. Days are ordinals; what was made last is kept for the days that follow, nothing else is."""

    def __init__(self, settings: WorldSettings | None = None, scenario: Scenario | None = None) -> None:
        """Describe the world; nothing is drawn yet."""
        self.settings = settings or WorldSettings()
        self.scenario = scenario or Scenario()
        self._tastes = usual_tastes(self.settings.seed)
        kept = lru_cache(maxsize=_KEPT_DAYS)
        self._users = kept(partial(users_on, self.settings))
        self._running = kept(self._running_on)
        self._launched = lru_cache(maxsize=2 * LONGEST_LIFE)(partial(ads_launched_on, self.settings, self.scenario))
        self._expected = kept(self._expected_on)
        self._shown = kept(self._shown_on)
        self._p_click = kept(self._p_click_on)
        self._clicks = kept(self._clicks_on)

    def users(self, day: int) -> Users:
        """Everyone registered by the end of the day."""
        return self._users(day)

    def running_ads(self, day: int) -> Ads:
        """The ads that may be shown on the day."""
        return self._running(day)

    def known_ads(self, day: int) -> Ads:
        """The ads a snapshot at the end of the day holds: those of the day, and those announced for the next."""
        coming = self._launched(day + 1)
        return joined_ads([self._running(day), coming.only(coming.announced)])

    def candidates(self, day: int) -> Pairs:
        """The pairs to be scored for the day, known the evening before: positions in its users and running ads."""
        return self._expected(day)

    def impressions(self, day: int) -> Impressions:
        """The impressions of the day, ordered by time."""
        return self._shown(day)

    def p_click(self, day: int) -> Floats:
        """The true probability of a click within the window, for each impression of the day."""
        return self._p_click(day)

    def clicks(self, day: int) -> ClickLog:
        """The clicks on the day's impressions, whenever they come."""
        return self._clicks(day)

    def click_logits(self, day: int, taste_change: float) -> Floats:
        """The logits of the day's impressions without the intercept, once tastes have changed by `taste_change`."""
        shown = self._shown(day)
        earlier = [self._shown(day - back) for back in range(1, _FATIGUE_DAYS + 1)]
        tastes = changed_tastes(self._tastes, taste_change)
        return click_logits(self.settings, tastes, shown, recent_exposures(shown, earlier))

    def _running_on(self, day: int) -> Ads:
        ads = joined_ads([self._launched(launch) for launch in range(day - LONGEST_LIFE + 1, day + 1)])
        running = ads.only(ads.retires > day)
        if not running.announced.any():
            raise SettingsError(
                f"No announced ad runs on {date.fromordinal(day)} of the simulated world; "
                "give it more advertisers or campaigns_per_advertiser."
            )
        return running

    def _expected_on(self, day: int) -> Pairs:
        return expected_pairs(self.settings, self.scenario, self._users(day), self._running(day), day)

    def _shown_on(self, day: int) -> Impressions:
        users, ads, expected = self._users(day), self._running(day), self._expected(day)
        return shown_impressions(self.settings, self.scenario, users, ads, expected, day)

    def _p_click_on(self, day: int) -> Floats:
        level = self.scenario.level("concept_drift", day)
        return probabilities(self.click_logits(day, level) + _intercept(self.settings, level))

    def _clicks_on(self, day: int) -> ClickLog:
        return drawn_clicks(self.settings, self._shown(day), self._p_click(day))


@lru_cache(maxsize=32)
def _intercept(settings: WorldSettings, taste_change: float) -> float:
    """The intercept that gives a calm, small copy of the world its base CTR over far-apart days.

    Changed tastes get one of their own: a change of mind alone must not move the CTR, it is to be seen in the ranking.
    """
    size = min(1.0, _REFERENCE_IMPRESSIONS / settings.impressions_per_day)
    small = replace(
        settings,
        users=max(1, round(settings.users * size)),
        impressions_per_day=round(settings.impressions_per_day * size),
    )
    copy = World(small)
    logits = np.concatenate([copy.click_logits(day, taste_change) for day in _REFERENCE_DAYS])
    return intercept_for(settings.base_ctr, logits)
