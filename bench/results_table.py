"""A task's figures for the terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table

from bench.comparisons import Rounds, spread


def table_of(title: str, found: Rounds) -> Table:
    """Median seconds and memory of each side, its ratio to the base with least and most, and what it told."""
    table = Table(
        title=f"{title}: {found.task.name}, {found.task.size:,} rows", box=box.SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("side")
    base = found.task.base
    for heading in ("wall s", "CPU s", "MB", f"time / {base}", f"memory / {base}"):
        table.add_column(heading, justify="right")
    table.add_column("told")
    for side in found.sides:
        numbers = {
            name: value for name, value in found.runs[-1][side].figures.items() if isinstance(value, int | float)
        }
        figures = ", ".join(f"{name} {_plain(value)}" for name, value in numbers.items())
        table.add_row(
            side,
            f"{found.middle(side):.2f}",
            f"{found.middle(side, 'cpu_s'):.2f}",
            f"{found.middle(side, 'peak_mb'):,.0f}",
            ratio_words(found, side, "wall_s"),
            ratio_words(found, side, "peak_mb"),
            figures,
        )
    for side, why in found.missing.items():
        table.add_row(side, "", "", "", "", "", why[-200:])
    return table


def ratio_words(found: Rounds, side: str, figure: str) -> str:
    """Such as `2.4 (2.2 to 2.5)`; nothing where there is no other side."""
    if side == found.task.base or found.task.base not in found.sides:
        return ""
    ratios = spread(found.ratios(side, figure))
    return f"{ratios['median']:.2f} ({ratios['least']:.2f} to {ratios['most']:.2f})"


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
