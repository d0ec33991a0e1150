"""What goes wrong between the ad server and the landing folder: late, repeated, broken and missing rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.draws import Ints, generator
from simulation.scenarios import OUTAGE_DAYS, Scenario
from simulation.settings import WorldSettings
from simulation.traffic import Impressions

_OUTAGE_BEGINS_HOUR = 6
_OUTAGE_HOURS = 14
_GARBAGE = "\u00fe\u0001\ufffd\ufffd{]~\u2400,\u00d8"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one day's impressions reach the landing folders: positions in the day's impressions."""

    same_day: Ints
    """Rows of the day's own folder in file order, repeats included."""
    next_day: Ints
    """Rows of the next day's folder in file order: late ones, and some sent a second time."""
    late: int
    repeated_same_day: int
    repeated_next_day: int


def delivery_of(settings: WorldSettings, scenario: Scenario, shown: Impressions) -> Delivery:
    """Which of a day's impressions arrive in its own folder and which in the next; an outage loses most for good."""
    rng = generator(settings.seed, shown.day, "delivery")
    count = len(shown.shown_at)
    fate, repeat = rng.random(count), rng.random(count)
    arrives = ~_lost(scenario, shown)
    late = arrives & (fate < settings.late_share)
    in_time = arrives & ~late
    repeated = np.flatnonzero(in_time & (repeat < settings.duplicate_share / 2))
    sent_again = arrives & (repeat >= settings.duplicate_share / 2) & (repeat < settings.duplicate_share)
    rows = np.concatenate([np.flatnonzero(in_time), repeated])
    # A repeat follows within some minutes' worth of rows, as from a sender that got no answer.
    place = np.concatenate([np.flatnonzero(in_time), repeated + rng.exponential(count / 500, len(repeated))])
    return Delivery(
        same_day=rows[np.argsort(place, kind="stable")],
        next_day=np.flatnonzero(late | sent_again),
        late=int(late.sum()),
        repeated_same_day=len(repeated),
        repeated_next_day=int((sent_again & ~late).sum()),
    )


def context_lost(scenario: Scenario, day: int) -> bool:
    """Whether the ad server leaves the device column empty for the day's impressions."""
    return scenario.level("outage", day, OUTAGE_DAYS) > 0.0


def bid_factor(scenario: Scenario, day: int) -> float:
    """What the bids of a day are multiplied by on their way: 100 once dollars arrive as cents."""
    return float(100.0 ** scenario.level("unit_change", day))


def broken_lines(lines: list[str], rows: Ints, rng: np.random.Generator) -> list[str]:
    """The lines with those at `rows` broken, each in one of five ways; all stay UTF-8 and on one line."""
    broken = list(lines)
    for row, way in zip(rows.tolist(), rng.integers(0, 5, len(rows)).tolist(), strict=True):
        fields = broken[row].split(",")
        broken[row] = (
            ",".join(fields[:4]),
            ",".join([*fields, "0", "retry"]),
            ",".join([fields[0], "yesterday noon", *fields[2:]]),
            ",".join(["", *fields[1:]]),
            _GARBAGE + broken[row][-7:],
        )[way]
    return broken


def truncated_lines(lines: list[str], rows: Ints, rng: np.random.Generator) -> list[str]:
    """The lines with those at `rows` cut off somewhere before their end."""
    cut = list(lines)
    for row, share in zip(rows.tolist(), rng.random(len(rows)).tolist(), strict=True):
        cut[row] = cut[row][: 1 + int(share * (len(cut[row]) - 2))]
    return cut


def sampled_rows(rng: np.random.Generator, count: int, share: float) -> Ints:
    """Distinct positions below `count`, about `share` of them, in ascending order."""
    return np.flatnonzero(rng.random(count) < share)


def _lost(scenario: Scenario, shown: Impressions) -> NDArray[np.bool_]:
    level = scenario.level("outage", shown.day, OUTAGE_DAYS)
    ends = _OUTAGE_BEGINS_HOUR + level * _OUTAGE_HOURS
    return (shown.hour >= _OUTAGE_BEGINS_HOUR) & (shown.hour < ends)
