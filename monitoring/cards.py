"""What a model card shows: one page a registered version. Plain values only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Literal

from monitoring.charts import Series, TrendChart, trend_chart
from monitoring.model_charts import (
    Bounds,
    Reliable,
    Whisker,
    bar_chart,
    ratio_whiskers,
    reliability_chart,
    value_whiskers,
)
from monitoring.pages import Link

ModelState = Literal["champion", "former", "waiting", "passed", "rejected", "withdrawn"]
"""What has become of a version. `waiting`: the gate agreed, a person is to decide; `passed`: the gate agreed, and
nobody made it champion; `former`: it was champion once; `withdrawn`: its night was run again and decided anew."""

MOST_SLICES = 80
COLD_START = {
    "user_seen": "Cold start: how often the user had been seen",
    "ad_seen": "Cold start: how often the ad had been seen",
    "pair_seen": "Cold start: how often the user had seen the ad",
}
"""What slices by evidence are called; others go by their column."""


@dataclass(frozen=True)
class CardSlice:
    """One slice of the holdout, with 95 % bounds by user; None where fewer than two users stand behind them.

    `slice_name` is `all` or such as `device=ios`. `ece` is the expected calibration error: how far the predicted and
    the observed click rate of its groups by predicted probability lie apart, on average. Versions registered before it
    was kept have None.
    """

    slice_name: str
    impressions: int
    clicks: int
    ctr: float | None
    ne: float | None
    ne_bounds: Bounds | None
    auc: float | None
    calibration_ratio: float | None
    calibration_bounds: Bounds | None
    ece: float | None = None
    ece_bounds: Bounds | None = None


@dataclass(frozen=True)
class CardCheck:
    """One check of the promotion gate, in words; the `main` ones are shown even where they held."""

    sentence: str
    passed: bool
    main: bool = False


@dataclass(frozen=True)
class CardDay:
    """Quality of the version's predictions of one day; None where labels are not known that well yet."""

    day: date
    ne_provisional: float | None
    ne_final: float | None


@dataclass(frozen=True)
class CardChange:
    """One change of the champion that the version was part of."""

    as_of: date
    at: datetime | None
    what: str
    by: str
    reason: str


@dataclass(frozen=True)
class CardPart:
    """One part of the time split."""

    name: str
    first: str
    last: str
    days: int
    rows: int


@dataclass(frozen=True)
class ModelCard:
    """Everything on the card of one version.

    `facts` are further lines of "what it is", by name; `features` are named by kind, `crosses` are combinations of them
    that the linear model alone has. `gains` are shares, `weights` effects on the log odds.
    """

    title: str
    version: str
    model: str
    state: ModelState
    told: str
    night: date
    trigger: str
    parts: tuple[CardPart, ...]
    facts: Mapping[str, str]
    features: Mapping[str, Sequence[str]]
    crosses: Sequence[str]
    slices: tuple[CardSlice, ...]
    reliability: tuple[Reliable, ...]
    gains: Mapping[str, float]
    weights: Mapping[str, float]
    opponent: str
    checks: tuple[CardCheck, ...]
    days: tuple[CardDay, ...] = ()
    changes: tuple[CardChange, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"{self.model} v{self.version}"

    @property
    def overall(self) -> CardSlice:
        """The holdout as a whole."""
        return self.slices[0]

    @property
    def objections(self) -> tuple[str, ...]:
        """The sentences of the checks that failed."""
        return tuple(check.sentence for check in self.checks if not check.passed)


@dataclass(frozen=True)
class DrawnSlice:
    """A row of the table of slices; `level` is what the slice's group has not said already."""

    level: str
    figures: CardSlice
    ne: Whisker | None
    calibration: Whisker | None


@dataclass(frozen=True)
class ModelRow:
    """One version in the index's table of models."""

    version: str
    model: str
    state: ModelState
    told: str
    night: date
    trained_to: date
    ne: float | None
    calibration_ratio: float | None
    reason: str
    has_card: bool

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"{self.model} v{self.version}"


def cards_folder(folder: Path) -> Path:
    """Where the cards lie below the root of the site."""
    return folder / "models"


def card_file(folder: Path, version: str) -> Path:
    """Where a version's card lies below the root of the site."""
    return cards_folder(folder) / f"{version}.html"


def drawn_slices(card: ModelCard) -> list[tuple[str, list[DrawnSlice]]]:
    """The slices with their whiskers, grouped by what they slice by; the largest ones where there are very many."""
    overall, rest = card.slices[:1], card.slices[1:]
    kept = {slice_.slice_name for slice_ in sorted(rest, key=lambda one: -one.impressions)[:MOST_SLICES]}
    shown = [*overall, *(slice_ for slice_ in rest if slice_.slice_name in kept)]
    ne = value_whiskers([(one.ne, one.ne_bounds) for one in shown], card.overall.ne)
    calibration = ratio_whiskers([(one.calibration_ratio, one.calibration_bounds) for one in shown])
    drawn = [
        DrawnSlice(one.slice_name.partition("=")[2] or one.slice_name, one, of_ne, of_calibration)
        for one, of_ne, of_calibration in zip(shown, ne, calibration, strict=True)
    ]
    grouped = groupby(drawn, key=lambda row: row.figures.slice_name.partition("=")[0])
    return [(COLD_START.get(name, name), list(rows)) for name, rows in grouped]


def ne_by_day(card: ModelCard) -> TrendChart | None:
    """NE of the days that the version scored, against what its holdout promised; None before the first."""
    if not card.days:
        return None
    days = [day.day for day in card.days]
    lines = [
        Series("promised", (card.overall.ne,) * len(days), "promised"),
        Series("provisional", tuple(day.ne_provisional for day in card.days), "second"),
        Series("final", tuple(day.ne_final for day in card.days)),
    ]
    return trend_chart("NE by day, smaller is better", days, lines)


def pictures(card: ModelCard) -> dict[str, object]:
    """The card's charts by the name that the template knows them by; None where there is nothing to draw."""
    return {
        "curve": reliability_chart(card.reliability),
        "by_day": ne_by_day(card),
        "gains": bar_chart("Gain by feature, of the trees", card.gains, lambda share: f"{share:.1%}"),
        "weights": bar_chart(
            "Largest weights, of the logistic regression", card.weights, lambda effect: f"{effect:+.2f}"
        ),
    }
