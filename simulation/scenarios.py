"""What may go wrong in the simulated world, from which day on, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from conf.errors import SettingsError

SCENARIOS: Mapping[str, str] = MappingProxyType(
    {
        "calm": "Seasons, launches and slow change only; nothing that should raise an alarm.",
        "covariate_drift": "Other people on other devices and placements; what they like stays the same.",
        "concept_drift": "The same people on the same pages, but what they click on has changed.",
        "new_ads": "Three days with an unusual wave of ad launches.",
        "outage": "For one day most impressions are missing and the device column is empty.",
        "unit_change": "Bids arrive in cents instead of dollars.",
    }
)

OUTAGE_DAYS = 1
WAVE_DAYS = 3


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario by name; before `starts` the world is calm. `strength` 1.0 is the intended size, 0.0 is calm."""

    name: str = "calm"
    starts: date | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what the world does not know.

        Raises:
            SettingsError: an unknown name, a scenario that never starts, or a strength outside 0..1.
        """
        if self.name not in SCENARIOS:
            known = ", ".join(sorted(SCENARIOS))
            raise SettingsError(f"Unknown scenario {self.name!r}; the known ones are: {known}.")
        if self.name != "calm" and self.starts is None:
            raise SettingsError(f"Scenario {self.name!r} needs the day it starts on.")
        if not 0.0 <= self.strength <= 1.0:
            raise SettingsError(f"Scenario strength is {self.strength}; it must lie in 0..1.")

    def level(self, name: str, day: int, days: int | None = None) -> float:
        """How strongly the effect called `name` acts on a day (an ordinal), for `days` days or for ever; else 0.0."""
        if self.name != name or self.starts is None:
            return 0.0
        since = day - self.starts.toordinal()
        acts = since >= 0 and (days is None or since < days)
        return self.strength if acts else 0.0
