"""What a night costs by its rows, keys, features, trees and history: least squares over nights that were measured.

`python -m bench.cost_model` reads the results of the section `night`, whole and large, and prints the model. Each night
is foretold by a model of all the others as well, so that every line of that table is a check.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.optimize import nnls

from bench.comparisons import OURS
from bench.sides import RESULTS

MILLION = 1e6
SIZES = (1e5, 1e6, 5e6, 2e7, 1e8, 1e9)
MEMORY = "memory, MB"
STEPS = ("ingest", "label", "features", "score", "evaluate", "monitor")
FACTS = ("rows", "keys", "features", "trees", "days")

Facts = Mapping[str, float]

DRIVERS: Mapping[str, Callable[[Facts], float]] = {
    "fixed": lambda _: 1.0,
    "million rows": lambda of: of["rows"] / MILLION,
    "million keys": lambda of: of["keys"] / MILLION,
    "million rows x 100 features": lambda of: of["rows"] * of["features"] / MILLION / 100,
    "million rows x 1,000 trees": lambda of: of["rows"] * of["trees"] / MILLION / 1_000,
    "100 days": lambda of: of["days"] / 100,
}
"""What a cost is a sum of."""

LOG = ("fixed", "million rows", "100 days")
MATTER: Mapping[str, Sequence[str]] = {
    "ingest": LOG,
    "label": LOG,
    "features": (*LOG, "million keys", "million rows x 100 features"),
    "score": tuple(DRIVERS),
    "evaluate": LOG,
    "monitor": LOG,
    MEMORY: tuple(DRIVERS),
}
"""The drivers that can matter to a cost: a step is not told by what it never reads, which would only fit noise."""


@dataclass(frozen=True)
class Night:
    """A measured night: what its cost may depend on, and each cost: seconds by step, and peak memory in MB.

    All are the medians of its rounds.
    """

    name: str
    facts: Facts
    costs: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """Of all steps."""
        return whole(self.costs)


@dataclass(frozen=True)
class Model:
    """What each driver adds to each cost."""

    weights: Mapping[str, np.ndarray]

    def at(self, facts: Facts) -> dict[str, float]:
        """The costs of a night."""
        drivers = np.array([driver(facts) for driver in DRIVERS.values()])
        return {name: float(weights @ drivers) for name, weights in self.weights.items()}


def whole(costs: Mapping[str, float]) -> float:
    """Seconds of all steps."""
    return sum(cost for name, cost in costs.items() if name != MEMORY)


def measured_nights(results: Path, cpu: bool) -> list[Night]:
    """The nights in the result files that ran in one process, from few rows to many.

    Their seconds are those of the clock, or of the processor. The quick one is left out: its champion is of another
    kind.
    """
    files = [file for file in (results / f"night-{size}.json" for size in ("whole", "large")) if file.is_file()]
    tasks = [task for file in files for task in json.loads(file.read_text(encoding="utf-8"))["tasks"]]
    found = [night for task in tasks for night in _nights(task, cpu)]
    return sorted(found, key=lambda night: night.facts["rows"])


def _nights(task: Mapping[str, Any], cpu: bool) -> Iterator[Night]:
    for side in task["runs"][0] if task["runs"] else ():
        runs = [run[side] for run in task["runs"]]
        figures = {name: median(run["figures"][name] for run in runs) for name in runs[0]["figures"]}
        if not set(FACTS) <= set(figures) or "ingest_s" not in figures:
            continue
        costs = {step: figures[f"{step}_cpu_s" if cpu else f"{step}_s"] for step in STEPS}
        costs[MEMORY] = median(run["peak_mb"] for run in runs)
        name = task["task"] if side == OURS else side
        yield Night(name, {fact: figures[fact] for fact in FACTS}, costs)


def fitted(nights: Sequence[Night]) -> Model:
    """Weights of at least zero by least squares of relative errors: small nights count as much as large ones."""
    drivers = np.array([[driver(night.facts) for driver in DRIVERS.values()] for night in nights])
    weights = {}
    for name, matter in MATTER.items():
        cost, chosen = np.array([night.costs[name] for night in nights]), [driver in matter for driver in DRIVERS]
        weights[name] = np.zeros(len(DRIVERS))
        weights[name][chosen], _ = nnls(drivers[:, chosen] / cost[:, None], np.ones(len(cost)))
    return Model(weights)


def model_table(model: Model) -> Table:
    """What each driver adds to each cost."""
    table = _table("Cost of a night: seconds, and memory", "", *DRIVERS)
    seconds = np.zeros(len(DRIVERS))
    for name, weights in model.weights.items():
        if name != MEMORY:
            seconds += weights
            table.add_row(name, *(f"{weight:.2f}" for weight in weights))
    table.add_row("whole night", *(f"{weight:.2f}" for weight in seconds))
    table.add_row(MEMORY, *(f"{weight:,.0f}" for weight in model.weights[MEMORY]))
    return table


def check_table(nights: Sequence[Night]) -> Table:
    """Each night as the model of all the others foretells it, and as it was measured."""
    headings = ("s foretold", "measured", "ratio", "MB foretold", "measured", "ratio")
    table = _table("Nights as the others foretell them", "", *headings)
    for night in nights:
        foretold = fitted([other for other in nights if other is not night]).at(night.facts)
        pairs = ((whole(foretold), night.seconds), (foretold[MEMORY], night.costs[MEMORY]))
        numbers = [(f"{told:,.1f}", f"{found:,.1f}", f"{found / told:.2f}") for told, found in pairs]
        table.add_row(night.name, *numbers[0], *numbers[1])
    return table


def size_table(model: Model, largest: Night) -> Table:
    """Seconds of nights of other rows: keys grow with them, all else is as in the largest night.

    Memory grows by less than any sum of drivers, so that nothing is foretold of it beyond what was measured.
    """
    table = _table("By rows a day, on the machine that was measured", "rows a day", "night, s", "night, h")
    for rows in SIZES:
        scaled = {"rows": rows, "keys": largest.facts["keys"] * rows / largest.facts["rows"]}
        seconds = whole(model.at({**largest.facts, **scaled}))
        table.add_row(f"{rows:,.0f}", f"{seconds:,.0f}", f"{seconds / 3600:,.2f}")
    return table


def _table(title: str, first: str, *headings: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def main(
    results: Annotated[Path, typer.Option(help="Folder of the benchmark's results")] = RESULTS,
    cpu: Annotated[
        bool, typer.Option("--cpu", help="Seconds of the processor, which other work disturbs less")
    ] = False,
) -> None:
    """Print the cost model of a night.

    Example: python -m bench.cost_model --cpu
    """
    nights = measured_nights(results, cpu)
    if len(nights) <= len(DRIVERS):
        raise typer.BadParameter(f"{results} has {len(nights)} nights; {len(DRIVERS) + 1} are needed: make bench.")
    console, model = Console(highlight=False), fitted(nights)
    console.print(model_table(model))
    console.print(check_table(nights))
    console.print(size_table(model, nights[-1]))


if __name__ == "__main__":
    typer.run(main)
