"""Commands that study models on days gone by and change nothing: backtest, ablation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import typer

from conf.errors import SettingsError
from jobs.cli.options import AsJson, print_json, with_workspace
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


@with_workspace
def backtest(
    workspace: Workspace, first_test: FirstTest, last_test: LastTest, models: Models = "", json: AsJson = False
) -> None:
    """Walk forward over past days: train on each one's eve, predict it, compare the kinds of model. Changes nothing."""
    from jobs.backtest import model_kinds
    from jobs.backtest_display import backtest_progress, show_backtest

    first, last = _days(first_test, last_test)
    found = backtest_progress(workspace, first, last, model_kinds(models), quiet=json)
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
    named = tuple(family.strip() for family in only.split(",") if family.strip())
    found = ablation_progress(workspace, first, last, model_kinds(models), named, quiet=json)
    if json:
        print_json(found.to_dict())
    else:
        show_ablation(found)


def _days(first: datetime, last: datetime) -> tuple[date, date]:
    if last < first:
        raise SettingsError(f"--last-test {last.date()} lies before --first-test {first.date()}.")
    return first.date(), last.date()
