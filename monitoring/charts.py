"""Geometry of the site's charts, in the units of an SVG view box. The templates draw it, so all text is escaped there.

Drawn as plain SVG rather than by a plotting library: the marks take their colours from the page's style sheet (dark
and light), values show on hover, and the same figures always give the same bytes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from monitoring.measures import ColumnDrift
from monitoring.quality import known

EventKind = Literal["trained", "promoted", "rolled back", "blocked"]
SeriesStyle = Literal["main", "second", "promised"]

MOST_DOTS = 45
NARROWEST_SPELL = 3.0
DAY_STEPS = (1, 2, 3, 7, 14, 28, 56, 91, 182, 364)


@dataclass(frozen=True)
class Frame:
    """The view box of a trend chart and the plot within it; events are marked in a band below the time axis."""

    width: float = 480.0
    height: float = 214.0
    left: float = 50.0
    right: float = 470.0
    top: float = 10.0
    bottom: float = 168.0
    days_at: float = 187.0
    events_at: float = 203.0


FRAME = Frame()


@dataclass(frozen=True)
class Series:
    """Values by night, None where unknown."""

    name: str
    values: tuple[float | None, ...]
    style: SeriesStyle = "main"


@dataclass(frozen=True)
class Event:
    """Something that happened after a night."""

    day: date
    kind: EventKind


@dataclass(frozen=True)
class Spell:
    """Nights in a row of one kind, from the first to the last."""

    first: date
    last: date


@dataclass(frozen=True)
class Tick:
    """A position on an axis and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Point:
    """One value: where it lies, whether a dot is drawn, and what hovering tells."""

    x: float
    y: float
    visible: bool
    text: str


@dataclass(frozen=True)
class DrawnSeries:
    """A series as an SVG path with gaps, and its points."""

    name: str
    style: SeriesStyle
    path: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class DrawnEvent:
    """An event on the time axis."""

    x: float
    kind: EventKind
    text: str


@dataclass(frozen=True)
class DrawnSpell:
    """A spell as a band behind the lines."""

    x: float
    width: float
    text: str


@dataclass(frozen=True)
class TrendChart:
    """A chart over nights, ready to be drawn."""

    title: str
    summary: str
    series: tuple[DrawnSeries, ...]
    limits: tuple[Tick, ...]
    events: tuple[DrawnEvent, ...]
    spells: tuple[DrawnSpell, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def trend_chart(
    title: str,
    days: Sequence[date],
    series: Sequence[Series],
    *,
    limits: Sequence[float] = (),
    events: Sequence[Event] = (),
    drift: Sequence[Spell] = (),
    percent: bool = False,
) -> TrendChart | None:
    """A chart of `series` over `days` (ascending), spells of `drift` behind them; None where no value is known."""
    measured = [value for line in series for seen in line.values if (value := known(seen)) is not None]
    if not measured:
        return None
    x_of, x_ticks = _time_axis(days)
    low, high = _padded_range([*measured, *limits])
    steps = nice_steps(low, high)

    def y_of(value: float) -> float:
        return FRAME.bottom - (value - low) / (high - low) * (FRAME.bottom - FRAME.top)

    def text_of(value: float) -> str:
        return spelled(value, steps[1] - steps[0] if len(steps) > 1 else high - low, percent)

    lines = (_drawn(line, days, x_of, y_of, percent) for line in series)
    drawn = tuple(line for line in lines if line.points)
    return TrendChart(
        title=title,
        summary=_summary(days, drawn, events, drift),
        series=drawn,
        limits=tuple(
            Tick(y_of(limit), f"limit {limit * 100:g}%" if percent else f"limit {limit:g}") for limit in limits
        ),
        events=tuple(DrawnEvent(x_of(event.day), event.kind, f"{event.day}: {event.kind}") for event in events),
        spells=tuple(_drawn_spell(spell, x_of) for spell in drift),
        x_ticks=x_ticks,
        y_ticks=tuple(Tick(y_of(step), text_of(step)) for step in steps),
    )


def _time_axis(days: Sequence[date]) -> tuple[Callable[[date], float], tuple[Tick, ...]]:
    span = (days[-1] - days[0]).days

    def x_of(day: date) -> float:
        return FRAME.right - 8 - (days[-1] - day).days / max(span, 1) * (FRAME.right - FRAME.left - 16)

    step = next((step for step in DAY_STEPS if span / step <= 5), DAY_STEPS[-1])
    ticked = [days[-1] - timedelta(days=back) for back in range(0, span + 1, step)]
    has_years = days[0].year != days[-1].year
    return x_of, tuple(Tick(x_of(day), f"{day.day} {day:%b}{f' {day:%y}' if has_years else ''}") for day in ticked)


def _padded_range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    padding = (high - low) * 0.08 or abs(high) * 0.05 or 0.05
    return (0.0 if 0 <= low < padding else low - padding), high + padding


def nice_steps(low: float, high: float, wanted: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within [low, high], about `wanted` of them."""
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [index * step for index in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def spelled(value: float, step: float, percent: bool) -> str:
    """A number with as many digits as the distance between two ticks calls for."""
    factor, sign = (100, "%") if percent else (1, "")
    digits = min(6, max(0, -math.floor(math.log10(abs(step * factor)) + 1e-9))) if step else 3
    return f"{value * factor:.{digits}f}{sign}"


def _drawn(
    line: Series, days: Sequence[date], x_of: Callable[[date], float], y_of: Callable[[float], float], percent: bool
) -> DrawnSeries:
    path, points, pen_down = [], [], False
    values = [known(value) for value in line.values]
    for index, (day, value) in enumerate(zip(days, values, strict=True)):
        if value is None:
            pen_down = False
            continue
        x, y = round(x_of(day), 1), round(y_of(value), 1)
        path.append(f"{'L' if pen_down else 'M'}{x} {y}")
        has_next = index + 1 < len(days) and values[index + 1] is not None
        is_alone = not pen_down and not has_next
        visible = is_alone or (len(days) <= MOST_DOTS and line.style != "promised")
        points.append(
            Point(x, y, visible, f"{day}: {line.name} {value:.2%}" if percent else f"{day}: {line.name} {value:.4g}")
        )
        pen_down = True
    return DrawnSeries(line.name, line.style, "".join(path), tuple(points))


def _drawn_spell(spell: Spell, x_of: Callable[[date], float]) -> DrawnSpell:
    """A band from half a night before to half a night after, and wide enough to be seen."""
    night = x_of(spell.last) - x_of(spell.last - timedelta(days=1))
    width = max(x_of(spell.last) - x_of(spell.first) + night, NARROWEST_SPELL)
    middle = (x_of(spell.first) + x_of(spell.last)) / 2
    nights = f"{spell.first}" if spell.first == spell.last else f"{spell.first} to {spell.last}"
    return DrawnSpell(round(middle - width / 2, 1), round(width, 1), f"{nights}: drift or decay")


def _summary(
    days: Sequence[date], drawn: Sequence[DrawnSeries], events: Sequence[Event], drift: Sequence[Spell]
) -> str:
    """The chart in words, for those who do not see it: its span, the latest values, how often what happened."""
    latest = "; ".join(line.points[-1].text for line in drawn)
    counts = Counter(event.kind for event in events)
    marked = [f"{kind} ({count})" for kind, count in counts.items()]
    marked += [f"spells of drift or decay ({len(drift)})"] if drift else []
    told = f" Marked: {', '.join(marked)}." if marked else ""
    return f"{len(days)} nights from {days[0]} to {days[-1]}. Latest values: {latest}.{told}"


@dataclass(frozen=True)
class Bar:
    """One bar of a distribution: shares of both sides as lengths, and what hovering tells."""

    at: float
    current: float
    reference: float
    label: str
    text: str


@dataclass(frozen=True)
class DistributionChart:
    """Current and reference shares of one column; `upright` for numbers, lying with labels for categories."""

    name: str
    upright: bool
    height: float
    thickness: float
    bars: tuple[Bar, ...]


def distribution_chart(column: ColumnDrift) -> DistributionChart | None:
    """The distribution of a column on both sides as bars; None where it has none."""
    shown = column.distribution
    if shown is None or not shown.labels:
        return None
    upright = column.kind != "categorical"
    length, thickness = (110.0, 320.0 / len(shown.labels)) if upright else (150.0, 18.0)
    largest = max(*shown.current, *shown.reference, 1e-12)
    bars = tuple(
        Bar(
            at=round(index * thickness, 2),
            current=round(now / largest * length, 2),
            reference=round(then / largest * length, 2),
            label=label if upright or len(label) <= 18 else f"{label[:17]}…",
            text=f"{label}: {now:.1%} now, {then:.1%} in the reference",
        )
        for index, (label, now, then) in enumerate(zip(shown.labels, shown.current, shown.reference, strict=True))
    )
    height = 130.0 if upright else thickness * len(bars) + 2
    return DistributionChart(column.name, upright, height, round(thickness, 2), bars)
