"""What a person sees of the store on the terminal, fitted to its width."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.markup import escape
from rich.table import Table

from jobs.feature_catalog import Catalog
from jobs.night import STEPS
from jobs.plan import NightPlan, counts_by_state
from jobs.reading import TableFacts
from jobs.terminal import Console
from jobs.training_set import Measured

if TYPE_CHECKING:
    import pyarrow as pa

STATE_STYLES = {"done": "dim", "missing": "yellow", "stale": "yellow", "blocked": "red"}
WIDEST = 28
"""Longer values are cut on the terminal; `--json` has them whole."""


def _table(*names: str, right: Sequence[str] = ()) -> Table:
    table = Table(*names, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column, name in zip(table.columns, names, strict=True):
        column.justify = "right" if name in right else "left"
    return table


def show_tables(tables: Sequence[TableFacts], console: Console | None = None) -> None:
    """Every table that holds something: what one row is, and its size. The others by name."""
    console = console or Console(highlight=False)
    for one in tables:
        if one.rows:
            days = f"{one.days} days to {one.last_day}, " if one.last_day else ""
            files = "1 file" if one.files == 1 else f"{one.files} files"
            console.print(f"[bold]{one.table}[/]: {escape(one.row)}")
            console.print(f"    {one.rows:,} rows, {days}{files}, {size(one.bytes)}, snapshot {one.snapshot}")
    empty = [one.table for one in tables if not one.rows]
    if empty:
        console.print(f"Empty: {', '.join(empty)}")


def size(count: int) -> str:
    """Bytes in a unit that a person reads."""
    amount, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def show_rows(rows: pa.Table, console: Console | None = None) -> None:
    """Rows as a table where their columns fit the terminal, else a line a column and as many rows as fit."""
    console = console or Console(highlight=False)
    texts = {name: [cell(value) for value in rows[name].to_pylist()] for name in rows.column_names}
    widths = [max(map(len, (name, *values))) + 1 for name, values in texts.items()]
    if sum(widths) <= console.width:
        shown = _table(*texts)
        for values in zip(*texts.values(), strict=True):
            shown.add_row(*map(escape, values))
        console.print(shown)
    else:
        _show_sideways(texts, rows.num_rows, console)
    console.print(f"{rows.num_rows} rows, {len(texts)} columns")


def _show_sideways(texts: dict[str, list[str]], count: int, console: Console) -> None:
    room = console.width - max(map(len, texts)) - 1
    fitting, used = 0, 0
    for place in range(count):
        used += max(len(values[place]) for values in texts.values()) + 1
        if used > room:
            break
        fitting += 1
    fitting = max(1, min(fitting, count))
    shown = _table("column", *(f"row {place + 1}" for place in range(fitting)))
    for name, values in texts.items():
        shown.add_row(name, *map(escape, values[:fitting]))
    console.print(shown)
    if fitting < count:
        console.print(f"{count - fitting} more rows do not fit beside these; --columns chooses, --json tells all.")


def cell(value: Any) -> str:
    """One value, cut where it is long."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else str(value)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def show_catalog(catalog: Catalog, console: Console | None = None) -> None:
    """A line a feature: what it is, and its figures."""
    console = console or Console(highlight=False)
    if catalog.day:
        console.print(f"Measured on {catalog.rows:,} {catalog.source} of {catalog.day}")
    else:
        console.print("Nothing has been scored yet: no figures.")
    shown = _table("feature", "what it is", "evidence", "missing", right=("evidence", "missing"))
    shown.columns[0].overflow = "fold"
    for place in (2, 3):
        shown.columns[place].no_wrap = True
    for one in catalog.features:
        text = escape(one.feature.description) + ("" if one.feature.in_model else " [dim](not in the models)[/]")
        shown.add_row(one.feature.name, text, _share(one.coverage), _share(one.missing))
    console.print(shown)
    fresh = {one.feature.table: one.as_of for one in catalog.features if one.as_of}
    if fresh:
        console.print("Latest day: " + ", ".join(f"{table} {day}" for table, day in fresh.items()))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def show_training_set(found: Measured, output: Path | None, console: Console | None = None) -> None:
    """Rows and digests by part."""
    console = console or Console(highlight=False)
    shown = _table("part", "days", "rows", "digest", right=("rows",))
    for part, content in found.parts.items():
        days = found.training_set.parts[part]
        span = f"{days[0]} to {days[-1]}" if len(days) > 1 else str(days[0])
        shown.add_row(part, span, f"{content.rows:,}", f"{content.hashes:016x}")
    shown.add_row("all", "", f"{found.whole.rows:,}", f"{found.whole.hashes:016x}")
    console.print(f"training_examples at snapshot {found.training_set.snapshot}")
    console.print(shown)
    if output:
        console.print(f"Written to {escape(str(output))}", soft_wrap=True)


def show_plan(plans: Sequence[NightPlan], console: Console | None = None) -> None:
    """One line a night that is not done, with the steps that will run and why; the others are counted."""
    console = console or Console(highlight=False)
    shown = _table("night", "state", "steps", "why")
    shown.columns[0].no_wrap = shown.columns[1].no_wrap = True
    for night in plans:
        if night.state != "done":
            whole = {step.step for step in night.due} >= set(STEPS)
            steps = "all" if whole else ", ".join(step.step for step in night.due)
            style = STATE_STYLES[night.state]
            reasons = list(night.reasons[:3]) + (["..."] if len(night.reasons) > 3 else [])
            shown.add_row(str(night.night), f"[{style}]{night.state}[/]", steps, escape("; ".join(reasons)))
    if shown.row_count:
        console.print(shown)
    counts = counts_by_state(plans)
    console.print(", ".join(f"{count} {state}" for state, count in counts.items() if count))
