"""A search of settings on the terminal: progress while it runs, then what was found and how to adopt it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from jobs.backtest_display import SHORT, figure, study_progress, study_table
from jobs.terminal import Console
from jobs.tune import Tuning, tune
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from models.search import Trial
    from models.settings import ModelKind


def tune_progress(
    workspace: Workspace,
    night: date,
    kinds: Sequence[ModelKind],
    file: Path,
    *,
    minutes: float,
    trials: int,
    quiet: bool,
) -> Tuning:
    """Run a search behind a progress bar: one step a trial; the clock may end it before the last step."""
    with study_progress(quiet) as progress:
        task = progress.add_task(f"as of {night}", total=trials * len(kinds))
        best: dict[str, float] = {}

        def announce(kind: ModelKind, trial: Trial) -> None:
            best[kind] = min(best.get(kind, trial.ne), trial.ne)
            progress.update(task, description=f"{SHORT.get(kind, kind)} best NE {best[kind]:.4f}", advance=1)

        return tune(workspace, night, kinds, file, minutes=minutes, trials=trials, announce=announce)


def show_tuning(found: Tuning, console: Console | None = None) -> None:
    """One row a kind: NE before and after; then where the overlay lies."""
    console = console or Console(highlight=False)
    table = study_table(f"{found.dataset}: settings searched as of the night of {found.night}", "model")
    for name in ("trials", "seconds", "NE before", "NE", "found"):
        table.add_column(name, justify="right" if name != "found" else "left")
    for tuned in found.found:
        table.add_row(
            SHORT.get(tuned.model, tuned.model),
            str(tuned.trials),
            figure(tuned.seconds, 0),
            figure(tuned.ne_before, 4),
            figure(tuned.ne, 4),
            ", ".join(f"{name} {value:g}" for name, value in tuned.parameters.items()),
        )
    console.print(table)
    console.print(
        f"Learned from {found.train_days[0]} to {found.train_days[-1]}, judged on "
        f"{', '.join(map(str, found.validation_days))}; no later day was read.\n"
        "NE is a little too good where the best of several is chosen by it: the gate's holdout tells.\n"
        "Adopt the overlay, or copy its block into your own:"
    )
    console.print(f"  ctr train --date {found.night} --env {escape(str(found.file))}", soft_wrap=True)
