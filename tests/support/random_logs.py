"""Random small logs for property tests, and how they land."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st
from landing_files import FIRST, Click, Impression, land
from plain_reference import LATE_DAYS, WINDOW, Clicked, Log, Shown

NIGHTS = tuple(FIRST + timedelta(days=ahead) for ahead in range(3))
"""As few as hold a day that has closed and may still be touched: nights are what an example costs."""
USERS, ADS, SLOTS = ("u1", "u2"), ("a1", "a2"), ("top", "side")
DAY = 24 * 3600 * 10**6
EDGES = (0, 1, DAY // 2, DAY - 1)
WINDOW_MICROS = WINDOW // timedelta(microseconds=1)
Row = TypeVar("Row", Shown, Clicked)
DELAYS = (-1, 0, 1, WINDOW_MICROS // 2, WINDOW_MICROS - 1, WINDOW_MICROS, WINDOW_MICROS + 1)


def moments(day: date) -> st.SearchStrategy[datetime]:
    """Moments of a day, its first and last ones often."""
    micros = st.one_of(st.sampled_from(EDGES), st.integers(0, DAY - 1))
    return micros.map(lambda after: datetime.combine(day, time()) + timedelta(microseconds=after))


def arrivals(day: date) -> st.SearchStrategy[tuple[date, ...]]:
    """The nights on which copies of a row arrive: mostly its own, often later, now and then too late or too early."""
    lags = st.one_of(
        st.just((0,)), st.lists(st.integers(-1, LATE_DAYS + 1), min_size=1, max_size=3).map(lambda found: tuple(found))
    )
    return lags.map(lambda found: tuple(day + timedelta(days=lag) for lag in found))


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """A log of three nights: impressions, clicks around the window's edges, duplicates, late rows, moving campaigns."""
    shown, clicked = [], []
    days = draw(st.lists(st.sampled_from(NIGHTS), min_size=12, max_size=40))
    for number, day in enumerate(days):
        at = draw(moments(day))
        who, what, where = (draw(st.sampled_from(values)) for values in (USERS, ADS, SLOTS))
        shown.append(Shown(f"i{number}", who, what, where, at, draw(arrivals(day))))
        for delay in draw(st.lists(st.sampled_from(DELAYS), max_size=2)):
            moment = at + timedelta(microseconds=delay)
            clicked.append(Clicked(f"i{number}", moment, draw(arrivals(moment.date()))))
    snapshot = st.dictionaries(st.sampled_from(ADS), st.sampled_from(("c1", "c2")), min_size=1)
    campaigns = {night: draw(snapshot) for night in NIGHTS if draw(st.booleans())}
    pairs = st.lists(
        st.tuples(st.sampled_from((*USERS, "new")), st.sampled_from((*ADS, "new")), st.sampled_from(SLOTS))
    )
    candidates = {night: draw(pairs) for night in NIGHTS}
    return with_a_crowd(Log(tuple(shown), tuple(clicked), campaigns, candidates))


def with_a_crowd(log: Log) -> Log:
    """The log with plain impressions on every night: one with fewer impressions than clicks would be stopped."""
    crowd = [
        Shown(f"plain{place}-{number}", "crowd", "a3", "top", datetime.combine(night, time(12)), (night,))
        for place, night in enumerate(sorted(log.candidates))
        for number in range(30)
    ]
    return replace(log, shown=(*log.shown, *crowd))


def land_log(data: Path, log: Log, nights: Collection[date] = NIGHTS) -> None:
    """Land the files of some nights. Copies of a row on one night are spread over two files."""
    for night in nights:
        impressions: tuple[list[Impression], list[Impression]] = ([], [])
        clicks: tuple[list[Click], list[Click]] = ([], [])
        for shown in log.shown:
            for copy in range(shown.nights.count(night)):
                row = (shown.name, shown.user, shown.ad, f"{shown.at}", shown.slot, "1.5")
                impressions[copy % 2].append(row)
        for click in log.clicked:
            for copy in range(click.nights.count(night)):
                clicks[copy % 2].append((click.name, f"{click.at}"))
        for part, rows, presses in zip(("", "-more"), impressions, clicks, strict=True):
            land(data, night, impressions=rows, clicks=presses, part=part)
        land(data, night, campaigns=log.campaigns.get(night), candidates=log.candidates[night])


def with_other_future(log: Log, other: Log, begins: date) -> Log:
    """`log` up to the night before `begins`, and `other` from then on: rows added, changed, gone.

    Its impressions get names of their own; its clicks fall on the impressions of the past too.
    """
    past = tuple(night for night in NIGHTS if night < begins)
    future = tuple(night for night in NIGHTS if night >= begins)
    shown = [_on(past, row) for row in log.shown] + [
        _on(future, replace(row, name=f"{row.name}x")) for row in other.shown
    ]
    clicked = [_on(past, row) for row in log.clicked] + [_on(future, row) for row in other.clicked]
    clicked += [replace(row, name=f"{row.name}x") for row in clicked[len(log.clicked) :]]
    return Log(
        tuple(row for row in shown if row.nights),
        tuple(row for row in clicked if row.nights),
        {night: found for night, found in log.campaigns.items() if night in past}
        | {night: found for night, found in other.campaigns.items() if night in future},
        {night: (log if night in past else other).candidates[night] for night in NIGHTS},
    )


def _on(nights: Collection[date], row: Row) -> Row:
    """The row's arrivals on some nights alone."""
    return replace(row, nights=tuple(night for night in row.nights if night in nights))
