"""Comparisons: rounds in which every side does the same task in turn, and ratios within rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from statistics import median
from typing import Any

from bench.sides import Measured, SideFailed, measured

OURS = "ours"


@dataclass(frozen=True)
class Task:
    """What is to be done: a name for people, its size, what each side is given, and the figures that must be equal.

    Ratios are to the side `base`.
    """

    name: str
    size: int
    given: Mapping[str, Any]
    same: tuple[str, ...] = ()
    base: str = OURS


@dataclass(frozen=True)
class Rounds:
    """All runs of a task, round by round; sides that failed or were left out, and why."""

    task: Task
    runs: tuple[Mapping[str, Measured], ...]
    missing: Mapping[str, str]

    @property
    def sides(self) -> tuple[str, ...]:
        """Sides that ran in every round, in their order."""
        return tuple(self.runs[0]) if self.runs else ()

    def ratios(self, side: str, figure: str = "wall_s") -> list[float]:
        """A side's figure / that of the base, round by round."""
        return [getattr(run[side], figure) / getattr(run[self.task.base], figure) for run in self.runs]

    def middle(self, side: str, figure: str = "wall_s") -> float:
        """The median of a side's figure over the rounds."""
        return median(getattr(run[side], figure) for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON takes: every run, and each side's ratios to the base as median, least and most."""
        return {
            "task": self.task.name,
            "size": self.task.size,
            "base": self.task.base,
            "runs": [{side: run.to_dict() for side, run in round_.items()} for round_ in self.runs],
            "ratio_to_base": {
                side: {figure: spread(self.ratios(side, figure)) for figure in ("wall_s", "cpu_s", "peak_mb")}
                for side in self.sides
                if self.task.base in self.sides
            },
            "missing": dict(self.missing),
        }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and most of some values."""
    return {"median": median(values), "least": min(values), "most": max(values)}


def compared(
    task: Task, sides: Mapping[str, str], rounds: int, told: Callable[[str], None], left_out: Mapping[str, str]
) -> Rounds:
    """Run every side of a task in turn, `rounds` times, and begin each round with another side.

    Args:
        task: what is to be done.
        sides: modules by the side's name.
        rounds: how often.
        told: is told what runs.
        left_out: reasons why other sides do not run.

    A side that fails, or whose figures are not those of the base where they must be, is left out with the reason.
    """
    missing, runs = dict(left_out), []
    for number in range(rounds):
        found: dict[str, Measured] = {}
        for name in _turned(list(sides), number):
            if name in missing:
                continue
            told(f"{task.name}: {name}, {number + 1} of {rounds}")
            try:
                found[name] = measured(sides[name], dict(task.given) | {"side": name})
            except SideFailed as error:
                missing[name] = str(error)
        missing |= _different(task, found)
        runs.append(found)
    kept = [name for name in sides if name not in missing]
    return Rounds(task, tuple({name: run[name] for name in kept} for run in runs), missing)


def _different(task: Task, found: Mapping[str, Measured]) -> dict[str, str]:
    """Sides that came to something else than the base."""
    base = task.base
    if base not in found:
        return {}
    words = {}
    for name, run in found.items():
        for figure in task.same:
            theirs, wanted = run.figures.get(figure), found[base].figures[figure]
            alike = isclose(theirs, wanted, rel_tol=1e-6) if isinstance(theirs, float) else theirs == wanted
            if not alike:
                words[name] = f"yields another {figure}: {theirs}, and {base} {wanted}"
    return words


def _turned(names: Sequence[str], by: int) -> Iterator[str]:
    return iter([*names[by % len(names) :], *names[: by % len(names)]])
