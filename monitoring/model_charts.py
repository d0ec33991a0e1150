"""Geometry of a model card's pictures, in the units of SVG view boxes, as in monitoring.charts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from monitoring.charts import Frame, Tick
from monitoring.quality import known

CURVE = Frame(width=480.0, height=330.0, left=56.0, right=470.0, top=10.0, bottom=282.0, days_at=301.0, events_at=322.0)
SMALLEST_SHARE = 1e-4
"""Lower ends of bounds at zero are drawn here at the lowest: the axes are logarithmic."""

LABELS, BARS, ROW = 224.0, 165.0, 19.0
"""Of a bar chart: width for labels, width for bars, height of a row."""
LONGEST_LABEL = 31

WHISKER = 120.0
"""Width of a whisker's view box."""
WIDEST_RATIO = 3.0

Bounds = tuple[float, float]
Estimate = tuple[float | None, Bounds | None]
"""A value and its bounds, as far as they are known."""


@dataclass(frozen=True)
class Reliable:
    """Rows of about equal predicted probability: its mean, the share clicked with 95 % bounds, and how many."""

    predicted: float
    observed: float
    low: float
    high: float
    impressions: int


@dataclass(frozen=True)
class CurvePoint:
    """Where a group lies, where its bounds reach, and what hovering tells."""

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class ReliabilityChart:
    """Predicted against observed on logarithmic axes of one scale, with the line on which both are equal."""

    points: tuple[CurvePoint, ...]
    path: str
    diagonal: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    summary: str


def reliability_chart(groups: Sequence[Reliable]) -> ReliabilityChart | None:
    """The reliability curve; None without groups that can be drawn."""
    drawn = [group for group in groups if group.predicted > 0.0]
    if not drawn:
        return None
    shares = [share for group in drawn for share in (group.predicted, group.observed, group.low, group.high)]
    floor = max(min(share for share in shares if share > 0.0) * 0.8, SMALLEST_SHARE)
    low, high = math.log10(floor), math.log10(min(max(shares) * 1.25, 1.0))

    def x_of(share: float) -> float:
        return round(CURVE.left + _part(share, floor, low, high) * (CURVE.right - CURVE.left), 1)

    def y_of(share: float) -> float:
        return round(CURVE.bottom - _part(share, floor, low, high) * (CURVE.bottom - CURVE.top), 1)

    points = tuple(
        CurvePoint(x_of(one.predicted), y_of(one.observed), y_of(one.low), y_of(one.high), _told(one)) for one in drawn
    )
    within = sum(group.low <= group.predicted <= group.high for group in drawn)
    return ReliabilityChart(
        points=points,
        path="".join(f"{'L' if place else 'M'}{point.x} {point.y}" for place, point in enumerate(points)),
        diagonal=f"M{x_of(10**low)} {y_of(10**low)}L{x_of(10**high)} {y_of(10**high)}",
        x_ticks=_log_ticks(low, high, x_of),
        y_ticks=_log_ticks(low, high, y_of),
        summary=f"In {within} of {len(drawn)} groups what was predicted lies within the bounds of what was clicked.",
    )


def _part(share: float, floor: float, low: float, high: float) -> float:
    """Where a share lies between both ends of the axis, from 0 to 1."""
    return (math.log10(max(share, floor)) - low) / max(high - low, 1e-9)


def _told(group: Reliable) -> str:
    return (
        f"predicted {group.predicted:.2%}, clicked {group.observed:.2%} ({group.low:.2%} to {group.high:.2%}) "
        f"of {group.impressions:,}"
    )


def _log_ticks(low: float, high: float, place_of: Callable[[float], float]) -> tuple[Tick, ...]:
    """Ticks at 1, 2 and 5 times the powers of ten; at the powers alone where those would be too many."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    factors = (1, 2, 5) if high - low < 2.5 else (1,)
    shares = [factor * 10.0**power for power in powers for factor in factors]
    inside = [share for share in shares if low <= math.log10(share) <= high]
    return tuple(Tick(place_of(share), f"{share * 100:g}%") for share in inside)


@dataclass(frozen=True)
class LabelledBar:
    """One bar: its row, its left end and length, and its texts."""

    at: float
    start: float
    length: float
    rises: bool
    label: str
    value: str
    text: str


@dataclass(frozen=True)
class BarChart:
    """Bars beside their labels; with negative values too, from a line in the middle."""

    title: str
    bars: tuple[LabelledBar, ...]
    zero: float
    height: float
    summary: str


def bar_chart(title: str, values: Mapping[str, float], spelled: Callable[[float], str]) -> BarChart | None:
    """The values as bars, in their order; None where there are none."""
    known_values = {name: value for name, value in values.items() if known(value) is not None}
    if not known_values:
        return None
    largest = max(map(abs, known_values.values())) or 1.0
    has_both = min(known_values.values()) < 0.0
    zero, room = (LABELS + BARS / 2, BARS / 2) if has_both else (LABELS, BARS)
    bars = []
    for place, (name, value) in enumerate(known_values.items()):
        length = round(abs(value) / largest * room, 1)
        bars.append(
            LabelledBar(
                at=place * ROW,
                start=round(zero - length if value < 0.0 else zero, 1),
                length=length,
                rises=value >= 0.0,
                label=name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…",
                value=spelled(value),
                text=f"{name}: {spelled(value)}",
            )
        )
    first = next(iter(known_values))
    summary = f"{len(bars)} bars; the largest is {first} with {spelled(known_values[first])}."
    return BarChart(title, tuple(bars), zero, ROW * len(bars) + 2, summary)


@dataclass(frozen=True)
class Whisker:
    """An estimate with its bounds on a short line, the place that matters marked; all in a box of 120 by 16."""

    at: float
    low: float
    high: float
    mark: float
    text: str


def ratio_whiskers(
    found: Sequence[Estimate],
) -> tuple[Whisker | None, ...]:
    """Ratios with bounds on one logarithmic scale around 1, which is marked. What lies beyond its ends is cut off."""
    ends = [end for value, bounds in found for end in (value, *(bounds or ())) if end]
    reach = min(max((abs(math.log(end)) for end in ends), default=0.0) or 0.1, math.log(WIDEST_RATIO))

    def place_of(ratio: float) -> float:
        part = math.log(max(ratio, 1e-9)) / reach
        return round(WHISKER / 2 * (1.0 + 0.95 * max(-1.0, min(part, 1.0))), 1)

    return _whiskers(found, place_of, 1.0)


def value_whiskers(found: Sequence[Estimate], mark: float | None) -> tuple[Whisker | None, ...]:
    """Values with bounds on one scale that holds them all, `mark` among them."""
    ends = [end for value, bounds in found for end in (value, *(bounds or ())) if end is not None]
    ends += [] if mark is None else [mark]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)

    def place_of(value: float) -> float:
        return round(WHISKER * (0.025 + 0.95 * (value - low) / max(high - low, 1e-9)), 1)

    return _whiskers(found, place_of, mark)


def _whiskers(
    found: Sequence[Estimate],
    place_of: Callable[[float], float],
    mark: float | None,
) -> tuple[Whisker | None, ...]:
    drawn: list[Whisker | None] = []
    for value, bounds in found:
        if value is None:
            drawn.append(None)
            continue
        low, high = bounds or (value, value)
        told = f"{value:.4g}, from {low:.4g} to {high:.4g}" if bounds else f"{value:.4g}"
        drawn.append(
            Whisker(place_of(value), place_of(low), place_of(high), place_of(value if mark is None else mark), told)
        )
    return tuple(drawn)
