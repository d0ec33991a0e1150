"""What a night costs by its rows: a line for each step through measured nights, checked on the largest of them.

`python -m bench.cost_model` reads the results of the section `night`, small and whole, and prints the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from bench.comparisons import OURS
from bench.sides import RESULTS

MILLION = 1e6
SIZES = (1e5, 1e6, 5e6, 2e7, 1e8, 1e9)


@dataclass(frozen=True)
class Night:
    """A measured night: its rows, seconds by step and peak memory in MB, each the median of its rounds."""

    rows: int
    costs: Mapping[str, float]
    peak_mb: float


@dataclass(frozen=True)
class Line:
    """A cost as `fixed + per_million * rows / 1,000,000`, in seconds."""

    fixed: float
    per_million: float

    def at(self, rows: float) -> float:
        """The cost of so many rows."""
        return self.fixed + self.per_million * rows / MILLION


def measured_nights(results: Path) -> list[Night]:
    """The nights in the result files, from few rows to many."""
    found = []
    for file in sorted(results.glob("night-*.json")):
        for task in json.loads(file.read_text(encoding="utf-8"))["tasks"]:
            if task["task"] == "night":
                found.append(_night(task["size"], [run[OURS] for run in task["runs"]]))
    return sorted(found, key=lambda night: night.rows)


def _night(rows: int, runs: Sequence[Mapping[str, Any]]) -> Night:
    steps: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run["figures"].items():
            steps.setdefault(name.removesuffix("_s"), []).append(value)
    return Night(rows, {name: median(values) for name, values in steps.items()}, median(run["peak_mb"] for run in runs))


def fitted(nights: Sequence[Night]) -> dict[str, Line]:
    """A line for each cost by least squares of relative errors, so that small nights count as much as large ones."""
    rows = np.array([night.rows for night in nights]) / MILLION
    lines = {}
    for name in nights[0].costs:
        cost = np.array([night.costs[name] for night in nights])
        relative = np.column_stack([1 / cost, rows / cost])
        (fixed, per_million), *_ = np.linalg.lstsq(relative, np.ones(len(cost)), rcond=None)
        lines[name] = Line(float(fixed), float(per_million))
    return lines


def model_table(lines: Mapping[str, Line], checked_with: Mapping[str, Line], check: Night) -> Table:
    """Each cost's line through all nights, and what the line through the smaller ones foretold of the largest."""
    table = Table(title="Cost of a night by its rows", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("")
    for heading in ("fixed", "per million", f"foretold at {check.rows:,}", "measured", "ratio"):
        table.add_column(heading, justify="right")
    for name, line in lines.items():
        foretold, found = checked_with[name].at(check.rows), check.costs[name]
        numbers = (f"{line.fixed:.2f}", f"{line.per_million:.2f}", f"{foretold:.1f}", f"{found:.1f}")
        table.add_row(name, *numbers, f"{found / foretold:.2f}")
    foretold, found = sum(checked_with[name].at(check.rows) for name in lines), sum(check.costs[name] for name in lines)
    table.add_row("whole night", "", "", f"{foretold:.1f}", f"{found:.1f}", f"{found / foretold:.2f}")
    return table


def size_table(lines: Mapping[str, Line], nights: Sequence[Night]) -> Table:
    """Seconds of a whole night by rows a day, and the memory that was measured: it follows no line."""
    table = Table(title="By rows a day, on the machine that was measured", box=box.SIMPLE_HEAD, title_justify="left")
    for heading in ("rows a day", "night, s", "night, h", "measured, s", "measured, MB"):
        table.add_column(heading, justify="right")
    by_rows = {night.rows: night for night in nights}
    for rows in sorted({*SIZES, *by_rows}):
        seconds, night = sum(line.at(rows) for line in lines.values()), by_rows.get(int(rows))
        told = (f"{sum(night.costs.values()):.1f}", f"{night.peak_mb:,.0f}") if night else ("", "")
        table.add_row(f"{rows:,.0f}", f"{seconds:,.0f}", f"{seconds / 3600:,.2f}", *told)
    return table


def main(results: Annotated[Path, typer.Option(help="Folder of the benchmark's results")] = RESULTS) -> None:
    """Print the cost model of a night.

    Example: python -m bench.cost_model
    """
    nights = measured_nights(results)
    if len(nights) < 3:
        raise typer.BadParameter(f"{results} has {len(nights)} nights; three are needed: make bench bench-quick.")
    console = Console(highlight=False)
    console.print(model_table(fitted(nights), fitted(nights[:-1]), nights[-1]))
    console.print(size_table(fitted(nights), nights))


if __name__ == "__main__":
    typer.run(main)
