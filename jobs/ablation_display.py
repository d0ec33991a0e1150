"""An ablation on the terminal: progress while it runs, then what each family of features is worth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from jobs.ablation import EVERYTHING, Ablation, ablation, chosen_families
from jobs.backtest_display import SHORT, figure, reach, study_progress, study_table
from jobs.terminal import Console
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from models.settings import ModelKind


def ablation_progress(
    workspace: Workspace, first: date, last: date, models: Sequence[ModelKind], only: Sequence[str], *, quiet: bool
) -> Ablation:
    """Run an ablation behind a progress bar: one step a family and day."""
    with study_progress(quiet) as progress:
        steps = ((last - first).days + 1) * (1 + len(chosen_families(workspace, only)))
        task = progress.add_task(f"{first}", total=steps)
        started = iter(range(steps))

        def announce(day: date, family: str) -> None:
            progress.update(task, description=f"{day} without {family}", completed=next(started))

        return ablation(workspace, first, last, models, only, announce)


def show_ablation(found: Ablation, console: Console | None = None) -> None:
    """One row a family: how much worse each kind of model is without it."""
    console = console or Console(highlight=False)
    models = list(dict.fromkeys(loss.model for loss in found.losses))
    table = study_table(f"{found.dataset}: NE without a family of features", "without")
    for name in ("features", *[SHORT.get(model, model) for model in models]):
        table.add_column(name, justify="right")
    for family in dict.fromkeys(loss.family for loss in found.losses):
        losses = [loss for loss in found.losses if loss.family == family]
        cells = [
            figure(loss.ne, 4) if loss.loss is None else f"{loss.loss.estimate:+.4f} {reach(loss.loss)}"
            for loss in losses
        ]
        table.add_row("nothing" if family == EVERYTHING else family, str(losses[0].features or ""), *cells)
    console.print(table)
    console.print(
        f"Means over {len(found.days)} test days, {found.days[0]} to {found.days[-1]}. First row: NE with every "
        "feature; below: what is lost\nwithout the family, above 0 it earns its place. Limits: 95 %, by user."
    )
