"""What changed on a night, which slices carry it, and how sure that is: findings in plain words.

Two steps, so that looking at many slices finds nothing by looking often. First the night as a whole: volume, CTR,
predicted against observed clicks, NE, and the mix of each column, each against what is usual between calm nights. Only
what is beyond chance there, and large enough to matter, is then split over the values of every column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

import numpy as np

from monitoring.carriers import Carrier, carriers_of
from monitoring.usual_change import (
    CALIBRATION,
    CTR,
    FEWEST_NIGHTS,
    MIX,
    NE,
    NIGHTS_OF_A_WEEK,
    VOLUME,
    DayTotals,
    Deviation,
    Side,
    deviations,
    measures,
    totals,
)

Word = Literal["surely", "probably", "may be chance"]
WORDS: tuple[Word, ...] = ("surely", "probably", "may be chance")
SURELY, PROBABLY = 0.001, 0.05
"""Chance that anything at all of the night looks so much changed by accident, below which the words are used."""
MOST_FINDINGS, MOST_DOUBTFUL = 5, 2
MOST_MIXES = 3
"""Columns of which the values are named that changed places."""
LEAST_SIZE: Mapping[str, float] = {VOLUME: np.log(1.15), CTR: np.log(1.10), CALIBRATION: np.log(1.05), NE: 0.01}
"""A smaller change matters to nobody, however sure it is: of log volume, log CTR, log observed / predicted, and NE."""
LEAST_DISTANCE = 0.1
"""The same of a column's mix: a population stability index from which a shift is called one."""
REFERENCE, YESTERDAY = "reference", "yesterday"


@dataclass(frozen=True)
class Comparison:
    """What a night is compared with. `past` has the measures of recent calm nights in the same comparison.

    `name` is `reference` or `yesterday`; `days` is how a person calls the days of the base.
    """

    name: str
    days: str
    base: Side
    past: Mapping[date, Mapping[str, float]]

    @property
    def to_promise(self) -> bool:
        """Whether NE and clicks are held to what was promised of them, not to those of the base."""
        return self.name == REFERENCE


@dataclass(frozen=True)
class Finding:
    """One change of the night. `size` is how many times the least change that matters it is.

    `chance` is the probability of it by accident, times the number of measures looked at.
    """

    about: str
    since: str
    word: Word
    chance: float
    size: float
    sentence: str
    carriers: tuple[Carrier, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """What a night's change comes to. `findings` are beyond chance, most telling first; `doubtful` may be chance."""

    day: date
    labels: str
    compared: Mapping[str, str]
    figures: str
    findings: tuple[Finding, ...]
    doubtful: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The first sentence."""
        if not self.findings:
            return "Nothing beyond chance."
        first, others = self.findings[0], len(self.findings) - 1
        more = f", and {others} more" if others else ""
        return f"{first.word.capitalize()} changed: {first.about}{more}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"headline": self.headline, **asdict(self), "day": self.day.isoformat()}


@dataclass(frozen=True)
class _Candidate:
    comparison: Comparison
    deviation: Deviation
    size: float
    word: Word


def explain_change(night: date, now: Side, comparisons: Sequence[Comparison], labels: str) -> Explanation:
    """The explanation of a night, from the sums of its impressions and of those it is compared with."""
    looked_at = sum(len(measures(totals(now), totals(one.base), to_promise=one.to_promise)) for one in comparisons)
    found = []
    for one in comparisons:
        for deviation in deviations(now, one.base, one.past, night, to_promise=one.to_promise, looked_at=looked_at):
            size = _size(deviation)
            if size >= 1.0:
                found.append(_Candidate(one, deviation, size, _word(deviation)))
    told = [_finding(group, now) for group in _groups([one for one in found if one.word != "may be chance"])]
    names = {finding.about for finding in told}
    doubtful = [_finding(group, now) for group in _groups([one for one in found if one.word == "may be chance"])]
    return Explanation(
        day=night,
        labels=labels,
        compared={one.name: one.days for one in comparisons},
        figures=_figures(totals(now)),
        findings=tuple(sorted(told, key=lambda one: -one.size)[:MOST_FINDINGS]),
        doubtful=tuple(one for one in doubtful if one.about not in names)[:MOST_DOUBTFUL],
        notes=tuple(_notes(comparisons)),
    )


def _size(deviation: Deviation) -> float:
    if deviation.measure.startswith(MIX):
        return deviation.change**2 / LEAST_DISTANCE if deviation.change > deviation.usual else 0.0
    return abs(deviation.change - deviation.usual) / LEAST_SIZE[deviation.measure]


def _word(deviation: Deviation) -> Word:
    if deviation.nights < FEWEST_NIGHTS or deviation.chance >= PROBABLY:
        return "may be chance"
    return "surely" if deviation.chance < SURELY and deviation.nights >= NIGHTS_OF_A_WEEK else "probably"


ABOUT = {
    VOLUME: "the number of impressions",
    CTR: "the CTR",
    CALIBRATION: "clicks against predictions",
    NE: "the NE",
    MIX: "what is shown to whom",
}


def _groups(candidates: Sequence[_Candidate]) -> list[list[_Candidate]]:
    """Candidates about the same thing together, the surest first in each, then the largest."""
    kinds: dict[str, list[_Candidate]] = {}
    for one in candidates:
        kind = MIX if one.deviation.measure.startswith(MIX) else one.deviation.measure
        kinds.setdefault(kind, []).append(one)
    return [sorted(group, key=lambda one: (WORDS.index(one.word), -one.size)) for group in kinds.values()]


def _finding(group: Sequence[_Candidate], now: Side) -> Finding:
    first = group[0]
    measure, comparison = first.deviation.measure, first.comparison
    others = [one for one in group if one.comparison.name != comparison.name]
    kind, split_by = measure, [list(now.columns)]
    if measure.startswith(MIX):
        columns = [one.deviation.measure.removeprefix(MIX) for one in group if one.comparison is comparison]
        kind, split_by = MIX, [[column] for column in columns[:MOST_MIXES]]
        sentence = _mix_sentence(first, columns)
    else:
        sentence = _sentence(first, now) + (_also(others[0]) if others else "")
    carriers: list[Carrier] = []
    if first.word != "may be chance":
        for names in split_by:
            carriers += carriers_of(kind, now, comparison.base, names, to_promise=comparison.to_promise)
    return Finding(
        about=ABOUT[kind],
        since=comparison.name,
        word=first.word,
        chance=first.deviation.chance,
        size=first.size,
        sentence=sentence,
        carriers=tuple(carriers),
    )


def _against(comparison: Comparison) -> str:
    return "the reference" if comparison.name == REFERENCE else "yesterday"


def _sentence(one: _Candidate, now: Side) -> str:
    here, base, since = totals(now), totals(one.comparison.base), _against(one.comparison)
    measure = one.deviation.measure
    if measure == VOLUME:
        change = float(here.impressions / base.impressions) - 1.0
        return (
            f"{float(here.impressions):,.0f} impressions, {_percent(change)} against {since} "
            f"({float(base.impressions):,.0f}{' a day' if one.comparison.base.days > 1 else ''})"
        )
    if measure == CTR:
        change = float(here.ctr / base.ctr) - 1.0
        return f"CTR {float(here.ctr):.2%}, {_percent(change)} against {since} ({float(base.ctr):.2%})"
    if measure == CALIBRATION:
        ratio = float(np.exp(here.calibration or 0.0))
        before = "" if one.comparison.to_promise else f", yesterday {float(np.exp(base.calibration or 0.0)):.3f}"
        return f"{ratio:.3f} clicks for each predicted one{before}"
    before_ne, named = (now.promised, "promised") if one.comparison.to_promise else (base.ne, "yesterday")
    return f"NE {float(here.ne or 0.0):.4f}, {float(before_ne or 0.0):.4f} {named} ({one.deviation.change:+.4f})"


def _also(other: _Candidate) -> str:
    change = other.deviation.change
    told = f"{change:+.4f}" if other.deviation.measure == NE else _percent(float(np.exp(change)) - 1.0)
    return f"; against {_against(other.comparison)} {told}"


def _mix_sentence(first: _Candidate, columns: Sequence[str]) -> str:
    distance, usual = first.deviation.change**2, first.deviation.usual**2
    more = f"; also of {', '.join(f'`{name}`' for name in columns[1:5])}" if len(columns) > 1 else ""
    return (
        f"The mix of `{columns[0]}` lies {distance:.2f} (PSI) from that of {_against(first.comparison)}"
        f"{f', usually {usual:.2f}' if first.deviation.nights else ''}{more}"
    )


def _percent(change: float) -> str:
    return f"{change:+.0%}" if abs(change) >= 0.1 else f"{change:+.1%}"


def _figures(here: DayTotals) -> str:
    parts = [f"{float(here.impressions):,.0f} impressions", f"CTR {float(here.ctr):.2%}"]
    if here.ne is not None and np.isfinite(here.ne):
        promised = f" ({here.promised:.4f} promised)" if here.promised is not None else ""
        parts += [f"NE {float(here.ne):.4f}{promised}"]
    if here.calibration is not None and np.isfinite(here.calibration):
        parts += [f"{float(np.exp(here.calibration)):.3f} clicks for each predicted one"]
    return ", ".join(parts)


def _notes(comparisons: Sequence[Comparison]) -> list[str]:
    nights = {one.name: len(one.past) for one in comparisons}
    notes = []
    fewest = min(nights.values(), default=0)
    if comparisons and fewest < FEWEST_NIGHTS:
        notes.append(f"With {fewest} calm nights before it, nothing is known of what is usual: nothing can be claimed.")
    elif comparisons and fewest < NIGHTS_OF_A_WEEK:
        notes.append(f"Only {fewest} calm nights before it: weekdays cannot be told apart yet, so nothing is sure.")
    missing = {REFERENCE, YESTERDAY} - set(nights)
    told = {
        REFERENCE: "There was no champion, so no reference.",
        YESTERDAY: "The day before has no impressions to compare with.",
    }
    return notes + [told[name] for name in sorted(missing)]
