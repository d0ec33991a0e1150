"""A backtest on the terminal: progress while it runs, then the figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich import box
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from features.evidence import LEVELS
from jobs.backtest import BASELINE, Backtest, backtest
from jobs.terminal import Console
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from models.intervals import Interval
    from models.rivals import RivalName
    from models.settings import ModelKind

SHORT = {"logistic_regression": "logistic"}
"""Names that would not fit a terminal of 80 columns."""


def backtest_progress(
    workspace: Workspace,
    first: date,
    last: date,
    models: Sequence[ModelKind],
    beside: Sequence[RivalName] = (),
    *,
    quiet: bool,
) -> Backtest:
    """Run a backtest behind a progress bar: one step a day and model."""
    with study_progress(quiet) as progress:
        task = progress.add_task(f"{first}", total=((last - first).days + 1) * (len(models) + len(beside)))

        def announce(day: date, model: str) -> None:
            progress.update(task, description=f"{day} {SHORT.get(model, model):<8}", advance=1)

        return backtest(workspace, first, last, models, announce, beside)


def study_progress(quiet: bool) -> Progress:
    """A progress bar on stderr that goes when it is done."""
    console = Console(stderr=True, quiet=quiet, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=quiet, transient=True)


def show_backtest(found: Backtest, console: Console | None = None) -> None:
    """Figures by day and model, then the means with their limits."""
    console = console or Console(highlight=False)
    console.print(_by_day(found))
    console.print(_overall(found))
    if found.evidence:
        console.print(_by_evidence(found))
    days = len({figures.day for figures in found.days})
    console.print(
        f"Means over {days} test days. Limits: 95 %, clustered by user. Spread: deviation of NE from day to day.\n"
        "NE gain: against the first model that learns; below 0 is better."
    )
    if any(model.share is not None for model in found.models):
        console.print("Share: of what can be known of clicks, by the simulated world's true probabilities.")


def _by_day(found: Backtest) -> Table:
    table = study_table(
        f"{found.dataset}: each day by models made on its eve", "test day", "model", "shown", "NE", "AUC"
    )
    for name in ("calib.", "log loss", "rounds", "weight"):
        table.add_column(name, justify="right")
    for figures in found.days:
        own = figures.evaluation
        table.add_row(
            str(figures.day),
            SHORT.get(figures.model, figures.model),
            f"{own.impressions:,}",
            *[figure(value, 4) for value in (own.ne, own.auc, own.calibration_ratio, own.log_loss)],
            figure(figures.chosen.get("rounds"), 0),
            figure(figures.chosen.get("tree_weight"), 2),
        )
    return table


def _overall(found: Backtest) -> Table:
    table = study_table("All test days", "model", "NE", "limits", "spread", "AUC")
    shares = any(model.share is not None for model in found.models)
    for name in ("calib.", "log loss", "NE gain", *(["share"] if shares else [])):
        table.add_column(name, justify="right")
    for model in found.models:
        table.add_row(
            SHORT.get(model.model, model.model),
            figure(model.ne.estimate if model.ne else None, 4),
            reach(model.ne),
            figure(model.ne_deviation, 4),
            figure(model.auc, 4),
            figure(model.calibration_ratio, 3),
            figure(model.log_loss, 4),
            f"{model.gain.estimate:+.4f} {reach(model.gain)}" if model.gain else "",
            *([figure(model.share, 3)] if shares else []),
        )
    return table


def _by_evidence(found: Backtest) -> Table:
    models = [model.model for model in found.models if model.model != BASELINE]
    table = study_table("NE by what was known when the day began, all test days", "seen before")
    for name in ("impressions", "CTR", *[SHORT.get(model, model) for model in models]):
        table.add_column(name, justify="right")
    known = {(figures.slice, figures.level, figures.model): figures.evaluation for figures in found.evidence}
    for slice_ in dict.fromkeys(figures.slice for figures in found.evidence):
        for level in LEVELS:
            of_level = [known.get((slice_, level, model)) for model in models]
            if first := of_level[0]:
                ne = [figure(evaluation.ne if evaluation else None, 4) for evaluation in of_level]
                table.add_row(f"{slice_}={level}", f"{first.impressions:,}", figure(first.ctr, 4), *ne)
    return table


def study_table(title: str, *names: str) -> Table:
    """A table without rows whose columns after the named ones hold figures."""
    table = Table(*names, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, title=title, title_justify="left")
    for column in table.columns[2 if "model" in names[1:2] else 1 :]:
        column.justify = "right"
    return table


def reach(interval: Interval | None) -> str:
    """Half the width of an interval."""
    return f"±{(interval.high - interval.low) / 2.0:.4f}" if interval else "-"


def figure(value: float | None, digits: int) -> str:
    """A rounded figure, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"
