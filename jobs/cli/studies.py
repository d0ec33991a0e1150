"""Commands that study models, the gate and the drift decision, and change no table: backtest, tune and their like."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from conf.errors import SettingsError
from conf.notation import names_in
from jobs.cli.options import AsJson, Day, as_date, print_json, with_workspace
from jobs.workspace import Workspace

FirstTest = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day to be predicted")]
LastTest = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day to be predicted")]
Models = Annotated[str, typer.Option(help="Kinds of model, with commas; default: all")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("backtest", epilog="Example: `ctr backtest --first-test 2026-01-15 --last-test 2026-01-19`")(backtest)
    app.command(
        "ablation", epilog="Example: `ctr ablation --first-test 2026-01-15 --last-test 2026-01-17 --only recency`"
    )(ablation)
    app.command("drift-power", epilog="Example: `ctr drift-power --env demo --trials 3 --scenarios outage,new_ads`")(
        drift_power
    )
    app.command("tune", epilog="Example: `ctr tune --date 2026-01-21 --minutes 10`")(tune)
    app.command("gate-power", epilog="Example: `ctr gate-power --impressions 50000 --ctr 0.01`")(gate_power)


@with_workspace
def backtest(
    workspace: Workspace,
    first_test: FirstTest,
    last_test: LastTest,
    models: Models = "",
    beside: Annotated[
        str, typer.Option(help="Other libraries to learn from the same examples, with commas: lightgbm, catboost")
    ] = "",
    json: AsJson = False,
) -> None:
    """Walk forward over past days: train on each one's eve, predict it, compare the kinds of model. Changes nothing."""
    from jobs.backtest import model_kinds
    from jobs.backtest_display import backtest_progress, show_backtest
    from models.rivals import rival_names

    first, last = _days(first_test, last_test)
    found = backtest_progress(workspace, first, last, model_kinds(models), rival_names(beside), quiet=json)
    if json:
        print_json(found.to_dict())
    else:
        show_backtest(found)


@with_workspace
def ablation(
    workspace: Workspace,
    first_test: FirstTest,
    last_test: LastTest,
    models: Models = "logistic_regression,xgboost,mix",
    only: Annotated[str, typer.Option(help="Families of features to leave out, with commas; default: each")] = "",
    json: AsJson = False,
) -> None:
    """What each family of features is worth: a backtest without it, against one with every feature."""
    from jobs.ablation_display import ablation_progress, show_ablation
    from jobs.backtest import model_kinds

    first, last = _days(first_test, last_test)
    found = ablation_progress(workspace, first, last, model_kinds(models), names_in(only), quiet=json)
    if json:
        print_json(found.to_dict())
    else:
        show_ablation(found)


@with_workspace
def tune(
    workspace: Workspace,
    date: Day,
    minutes: Annotated[float, typer.Option(min=0.0, help="No trial begins later than this")] = 10.0,
    trials: Annotated[int, typer.Option(min=1, help="Settings to try for each kind of model, at most")] = 50,
    models: Annotated[str, typer.Option(help="logistic_regression, xgboost, or both with a comma")] = "",
    output: Annotated[Path | None, typer.Option(help="Overlay to write; default: tuned-DATE.yaml in the home")] = None,
    json: AsJson = False,
) -> None:
    """Search model settings on days that are mature on a night, and write them as an overlay of settings.

    The first trial has the settings in force. The holdout days of that night, and all later ones, are not read.
    """
    from jobs.tune import tuned_kinds
    from jobs.tune_display import show_tuning, tune_progress

    night, kinds = as_date(date), tuned_kinds(models)
    file = output or workspace.home.path / f"tuned-{night}.yaml"
    found = tune_progress(workspace, night, kinds, file, minutes=minutes, trials=trials, quiet=json)
    if json:
        print_json(found.to_dict())
    else:
        show_tuning(found)


@with_workspace
def gate_power(
    workspace: Workspace,
    impressions: Annotated[int, typer.Option(min=1000, help="Mature impressions that the gate judges from")] = 200_000,
    ctr: Annotated[float, typer.Option(help="Click rate")] = 0.03,
    gain: Annotated[float, typer.Option(help="How much better or worse the challenger is, of NE")] = 0.005,
    alone: Annotated[float, typer.Option(help="Share of the champion's knowledge the challenger lacks")] = 0.05,
    trials: Annotated[int, typer.Option(min=1, help="Logs to draw for each challenger")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same logs")] = 7,
    json: AsJson = False,
) -> None:
    """How often the promotion gate decides rightly, with the settings in force, on logs whose truth is known.

    Worse, equal and better challengers are judged; a gate worth having promotes the first two hardly ever.
    """
    from dataclasses import asdict

    from jobs.gate_power_display import gate_power_progress, show_gate_power
    from validation.gate_power import TrialWorld

    worlds = [
        TrialWorld(impressions=impressions, ctr=ctr, alone=alone, gain=given) for given in (-abs(gain), 0.0, abs(gain))
    ]
    found = gate_power_progress(worlds, workspace.settings.promotion, trials, seed, quiet=json)
    if json:
        print_json([asdict(power) | {"share": power.share} for power in found])
    else:
        show_gate_power(found, workspace.settings.promotion)


@with_workspace
def drift_power(
    workspace: Workspace,
    trials: Annotated[int, typer.Option(min=1, help="Simulated logs")] = 10,
    impressions: Annotated[int, typer.Option(min=1000, help="Impressions a day")] = 20_000,
    strength: Annotated[float, typer.Option(min=0.0, max=1.0, help="Strength of the scenarios")] = 1.0,
    scenarios: Annotated[str, typer.Option(help="Names, with commas; default: all")] = "",
    calm_nights: Annotated[int, typer.Option(min=1, help="Calm nights of each log in which nothing may happen")] = 6,
    recoveries: Annotated[int, typer.Option(min=0, help="Logs in which nights go on until quality recovers")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same logs")] = 7,
    json: AsJson = False,
) -> None:
    """How often the nightly decision is right, with the settings in force, on logs into which a drift was put.

    Whole nights are run, thousands of steps: an hour and more with the defaults. The home is not touched.
    """
    from dataclasses import asdict

    from jobs.drift_power import CALM, RIGHT_ANSWERS
    from jobs.drift_power_display import drift_power_progress, show_drift_power

    known = (*RIGHT_ANSWERS, CALM)
    chosen = names_in(scenarios) or known
    if unknown := [name for name in chosen if name not in known]:
        raise SettingsError(f"Unknown scenario `{unknown[0]}`; there are {', '.join(known)}.")
    found = drift_power_progress(
        workspace.settings,
        chosen,
        trials=trials,
        impressions=impressions,
        strength=strength,
        calm_nights=calm_nights,
        recoveries=recoveries,
        seed=seed,
        quiet=json,
    )
    if json:
        print_json([asdict(answer) | {"right": answer.right} for answer in found])
    else:
        show_drift_power(found)


def _days(first: datetime, last: datetime) -> tuple[date, date]:
    if last < first:
        raise SettingsError(f"--last-test {last.date()} lies before --first-test {first.date()}.")
    return first.date(), last.date()
