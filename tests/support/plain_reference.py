"""What the tables must hold, in plain Python straight from the definitions: an oracle for random small logs.

It knows deliveries (which row arrives on which night) and nothing of files, tables or engines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

LATE_DAYS = 2
WINDOW = timedelta(hours=6)
MATURITY_DAYS = 1
WINDOWS_DAYS = (1, 2, 3)
FIRST_RATE = 0.05
SMOOTHING = {"all": 20.0, "user": 20.0, "campaign": 20.0, "ad": 20.0, "user_slot": 5.0}
PARENTS = {"all": (), "user": ("all",), "campaign": ("all",), "ad": ("campaign",), "user_slot": ("user", "campaign")}


@dataclass(frozen=True)
class Shown:
    """One impression, and the nights on which a copy of its row arrived."""

    name: str
    user: str
    ad: str
    slot: str
    at: datetime
    nights: tuple[date, ...]

    @property
    def arrived(self) -> date | None:
        """The night that took it in; None where every copy came too early or too late."""
        return first_accepted(self.at.date(), self.nights)


@dataclass(frozen=True)
class Clicked:
    """One click, and the nights on which a copy of its row arrived."""

    name: str
    at: datetime
    nights: tuple[date, ...]

    @property
    def arrived(self) -> date | None:
        """The night that took it in; None where every copy came too early or too late."""
        return first_accepted(self.at.date(), self.nights)


@dataclass(frozen=True)
class Log:
    """All that ever arrives. `campaigns` holds, by night, the campaign of each ad as it landed then."""

    shown: tuple[Shown, ...]
    clicked: tuple[Clicked, ...]
    campaigns: Mapping[date, Mapping[str, str]]
    candidates: Mapping[date, Sequence[tuple[str, str, str]]]


def first_accepted(day: date, nights: Iterable[date]) -> date | None:
    """The first night on which a row of `day` arrived in time."""
    return min((night for night in nights if timedelta(0) <= night - day <= timedelta(LATE_DAYS)), default=None)


def click_known(log: Log, shown: Shown) -> date | None:
    """The night that first knew both the impression and a click within its window."""
    arrivals = [
        click.arrived
        for click in log.clicked
        if click.name == shown.name and click.arrived and timedelta(0) <= click.at - shown.at <= WINDOW
    ]
    return max(shown.arrived, min(arrivals)) if arrivals and shown.arrived else None


def campaign_of(log: Log, ad: str, day: date) -> str | None:
    """The ad's campaign in the latest snapshot that had landed before `day`."""
    landed = [night for night in log.campaigns if night < day]
    return log.campaigns[max(landed)].get(ad) if landed else None


def keys_of(log: Log, user: str, ad: str, slot: str, day: date) -> dict[str, str | None]:
    """The key of each history for a pair on `day`; a campaign may be unknown."""
    own = {"all": "all", "user": user, "ad": ad, "user_slot": f"{user}\u241f{slot}"}
    return own | {"campaign": campaign_of(log, ad, day)}


@dataclass
class Past:
    """One key's history: counts for each window, days shown, days clicked."""

    impressions: dict[int, float] = field(default_factory=lambda: dict.fromkeys(WINDOWS_DAYS, 0.0))
    clicks: dict[int, float] = field(default_factory=lambda: dict.fromkeys(WINDOWS_DAYS, 0.0))
    days: set[date] = field(default_factory=set)
    click_days: set[date] = field(default_factory=set)

    def row(self) -> dict[str, float | date | None]:
        """As a feature table holds it."""
        counts = {f"impressions_{days}d": count for days, count in self.impressions.items()}
        counts |= {f"clicks_{days}d": count for days, count in self.clicks.items()}
        recency = {"last_day": max(self.days), "last_click_day": max(self.click_days, default=None)}
        return counts | recency | {"active_days": float(len(self.days))}


def histories(log: Log, as_of: date) -> dict[tuple[str, str], Past]:
    """(history, key) to what was known of it before `as_of`."""
    found: dict[tuple[str, str], Past] = {}
    for shown in log.shown:
        day = shown.at.date()
        if shown.arrived is None or shown.arrived >= as_of or as_of - day > timedelta(max(WINDOWS_DAYS)):
            continue
        known = click_known(log, shown)
        clicked = known is not None and known < as_of
        for history, key in keys_of(log, shown.user, shown.ad, shown.slot, day).items():
            if key is None:
                continue
            past = found.setdefault((history, key), Past())
            past.days.add(day)
            past.click_days |= {day} if clicked else set()
            for days in WINDOWS_DAYS:
                if as_of - day <= timedelta(days):
                    past.impressions[days] += 1.0
                    past.clicks[days] += float(clicked)
    return found


def features_of(log: Log, user: str, ad: str, slot: str, day: date, nights: Sequence[date]) -> dict[str, float | None]:
    """Every history feature of a pair on `day`. The first night's day has none, for no night ran before it."""
    known = histories(log, day) if day > nights[0] else {}
    longest = max(WINDOWS_DAYS)
    keys = keys_of(log, user, ad, slot, day)
    found: dict[str, float | None] = {}
    rates: dict[str, float] = {}
    for history, parents in PARENTS.items():
        past, trust = known.get((history, keys[history] or ""), Past()), SMOOTHING[history]
        above = rate_above([rates[parent] for parent in parents], rates.get("all"))
        own = (past.clicks[longest] + trust * above) / (past.impressions[longest] + trust)
        rates[history] = found[f"{history}__ctr_{longest}d"] = own
        if history == "all":
            continue
        for days in WINDOWS_DAYS:
            impressions, clicks = past.impressions[days], past.clicks[days]
            found[f"{history}__impressions_{days}d"], found[f"{history}__clicks_{days}d"] = impressions, clicks
            if days != longest:
                found[f"{history}__ctr_{days}d"] = (clicks + trust * own) / (impressions + trust)
        found[f"{history}__days_since"] = float((day - max(past.days)).days) if past.days else None
    user_past = known.get(("user", user), Past())
    found["user__days_since_click"] = float((day - max(user_past.click_days)).days) if user_past.click_days else None
    found["user__active_days"] = float(len(user_past.days))
    return found


def rate_above(parents: Sequence[float], overall: float | None) -> float:
    """The parent's rate; of several, the rate whose log odds differ from the overall ones by all their differences."""
    if not parents:
        return FIRST_RATE
    if len(parents) == 1 or overall is None:
        return parents[0]
    odds = math.prod(rate / (1 - rate) for rate in parents) / (overall / (1 - overall)) ** (len(parents) - 1)
    return odds / (1 + odds)


def labels(log: Log, day: date, known_by: date) -> dict[str, tuple[int, int]]:
    """Impression to its label and its provisional label, as all nights up to `known_by` know them."""
    found = {}
    for shown in log.shown:
        if shown.at.date() == day and shown.arrived is not None and shown.arrived <= known_by:
            known = click_known(log, shown)
            found[shown.name] = (int(known is not None and known <= known_by), int(known is not None and known <= day))
    return found
