"""One command a step of the night, and the simulated ad server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, cast, get_args

import typer

from jobs.cli.options import AsJson, Day, as_date, print_json, with_workspace
from jobs.step import StepResult
from jobs.terminal import say
from jobs.workspace import Workspace

STEP_HELP = {
    "ingest": "Take in a night's landing files: read, check, publish; bad rows go to quarantine.",
    "label": "Label the days that are still open, and closed ones that the night touched.",
    "score": "Predict the next day's candidates with the champion.",
    "evaluate": "Measure the predictions of the days that are still open.",
    "monitor": "Measure drift, decide whether to retrain, write the report.",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, text in STEP_HELP.items():
        app.command(name, help=text, epilog=f"Example: `ctr {name} --date 2026-01-05`")(_step_command(name))
    app.command("features", epilog="Examples: `ctr features`, `ctr features --date 2026-01-05`")(features)
    app.command("train", epilog="Example: `ctr train --date 2026-01-10 --models xgboost --no-promote`")(train)
    app.command(
        "simulate", epilog="Example: `ctr simulate --days 21 --scenario concept_drift --drift-from 2026-01-14`"
    )(simulate)


def _step_command(name: str) -> Callable[..., None]:
    @with_workspace
    def command(workspace: Workspace, date: Day, json: AsJson = False) -> None:
        from jobs.night import run_step

        tell(run_step(workspace, name, as_date(date)), json)

    return command


@with_workspace
def features(
    workspace: Workspace,
    date: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Run the night's step of this name for this day")
    ] = None,
    measured_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="List: measure on this day's rows, not the latest")
    ] = None,
    json: AsJson = False,
) -> None:
    """List every feature with its coverage; or, with --date, run the night's step that computes them.

    The step brings histories up to the end of the night, and makes the mature days' training examples.
    """
    if date:
        from jobs.night import run_step

        tell(run_step(workspace, "features", as_date(date)), json)
        return
    from jobs.feature_catalog import measured
    from jobs.store_display import show_catalog

    found = measured(workspace, measured_on.date() if measured_on else None)
    if json:
        print_json(found.to_dict())
    else:
        show_catalog(found)


def tell(result: StepResult, as_json: bool) -> None:
    """Print what a step did."""
    if as_json:
        print_json(result.to_dict())
        return
    rows = ", ".join(f"{table} {count:,}" for table, count in result.rows.items())
    say(f"{result.day} {result.step}: {rows}")
    for reason in result.detail.get("reasons", ()):
        say(f"  {reason}")


@with_workspace
def train(
    workspace: Workspace,
    date: Day,
    models: Annotated[str, typer.Option(help="Kinds of model, with commas; default: training.models")] = "",
    window_days: Annotated[int | None, typer.Option(min=1, max=365, help="Training days; default: the setting")] = None,
    promote: Annotated[bool, typer.Option(help="Whether a challenger that wins becomes champion")] = True,
    approval: Annotated[
        str, typer.Option(help="Who promotes a challenger that wins: gate or person; default: promotion.approval")
    ] = "",
    reason: Annotated[str, typer.Option(help="Why, for the record")] = "by hand",
    again: Annotated[bool, typer.Option(help="Train even where this night has already had the same training")] = False,
    json: AsJson = False,
) -> None:
    """Train challengers on the mature days; the better one is registered, and promoted if the gate lets it."""
    from conf.errors import SettingsError
    from conf.notation import names_in
    from conf.settings import Approval, TrainedKind
    from jobs.night import run_training, training_request

    kinds, known = names_in(models), get_args(TrainedKind)
    unknown = [kind for kind in kinds if kind not in known]
    if unknown:
        raise SettingsError(f"--models: unknown kind `{unknown[0]}`. Known: {', '.join(known)}.")
    if approval not in ("", *get_args(Approval)):
        raise SettingsError(f"--approval {approval}: write gate or person.")
    request = training_request(
        workspace,
        as_date(date),
        reason,
        models=kinds,
        window_days=window_days,
        promote=promote,
        approval=cast(Approval, approval) if approval else None,
    )
    tell(run_training(workspace, request, again=again), json)


@with_workspace
def simulate(
    workspace: Workspace,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day")] = datetime(2026, 1, 1),
    days: Annotated[int, typer.Option(min=1, help="How many days")] = 21,
    impressions: Annotated[int, typer.Option(min=100, help="Impressions a day")] = 60_000,
    scenario: Annotated[
        str, typer.Option(help="calm, covariate_drift, concept_drift, new_ads, outage, unit_change")
    ] = "calm",
    drift_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Day the scenario begins")] = None,
    strength: Annotated[float, typer.Option(min=0, help="Strength of the scenario")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files")] = 7,
    json: AsJson = False,
) -> None:
    """Let the simulated ad server write landing files."""
    from jobs.simulate import simulate_days

    print_or_tell(
        simulate_days(
            workspace,
            start=start.date(),
            days=days,
            impressions=impressions,
            scenario=scenario,
            drift_from=drift_from.date() if drift_from else None,
            strength=strength,
            seed=seed,
        ),
        json,
    )


def print_or_tell(summary: dict[str, object], as_json: bool) -> None:
    """Print a few figures as JSON or as a line each."""
    if as_json:
        print_json(summary)
        return
    for name, value in summary.items():
        say(f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
