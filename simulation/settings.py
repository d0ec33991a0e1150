"""How big the simulated world is, how often its people click, and how dirty its files are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from conf.errors import SettingsError

WORLD_BEGINS = date(2000, 1, 1)
"""Users are numbered from this day on, so no day before it can be simulated."""

_SHARES = ("base_ctr", "surprise_share", "duplicate_share", "late_share", "broken_share", "accidental_click_share")
_COUNTS = ("users", "joins_per_day", "advertisers", "campaigns_per_advertiser", "impressions_per_day")


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """One simulated world. Shares are fractions of rows; `accidental_click_share` is a fraction of the clicks."""

    seed: int = 7
    users: int = 20_000
    joins_per_day: int = 60
    advertisers: int = 60
    campaigns_per_advertiser: int = 4
    impressions_per_day: int = 60_000
    base_ctr: float = 0.05
    candidates_per_impression: float = 1.5
    surprise_share: float = 0.07
    duplicate_share: float = 0.004
    late_share: float = 0.003
    broken_share: float = 0.0005
    accidental_click_share: float = 0.01
    time_zone: str = "UTC"

    def __post_init__(self) -> None:
        """Refuse a world that cannot exist.

        Raises:
            SettingsError: a count below one, a share outside 0..1, or an unknown time zone.
        """
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise SettingsError(f"World setting {name} is {getattr(self, name)}; it must be at least 1.")
        if self.users <= self.joins_per_day:
            raise SettingsError(f"World setting users is {self.users}; it must exceed joins_per_day, or nobody stays.")
        for name in _SHARES:
            if not 0 <= getattr(self, name) < 1:
                raise SettingsError(f"World setting {name} is {getattr(self, name)}; it must lie in 0..1.")
        if self.base_ctr == 0:
            raise SettingsError("World setting base_ctr is 0; nobody would ever click. Choose one above 0.")
        if self.candidates_per_impression <= 0:
            raise SettingsError("World setting candidates_per_impression must be above 0.")
        if not 0 <= self.seed < 2**31:
            raise SettingsError(f"World setting seed is {self.seed}; it must lie in 0..{2**31 - 1}.")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, ValueError) as error:
            raise SettingsError(
                f"World setting time_zone is {self.time_zone!r}, which is no IANA time zone; try UTC or Europe/Berlin."
            ) from error
