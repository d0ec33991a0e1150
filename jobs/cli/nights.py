"""Whole nights: one, many, and the demonstration."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from jobs.cli.options import AsJson, Day, as_date, print_json, with_workspace
from jobs.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("night", epilog="Example: `ctr night --date 2026-01-05`")(night)
    app.command(
        "replay",
        epilog="Example: `ctr replay --dataset kuairand --data DIR --start 2022-04-25 --end 2022-05-08`",
    )(replay)
    app.command("maintain", epilog="Example: `ctr maintain`")(maintain)
    app.command("demo", epilog="Example: `ctr demo --no-airflow`")(demo)


@with_workspace
def night(workspace: Workspace, date: Day, json: AsJson = False) -> None:
    """Run a whole night in one process, training included where the decision asks for it."""
    from jobs.progress import night_progress

    results = night_progress(workspace, as_date(date), quiet=json)
    if json:
        print_json({"day": as_date(date).isoformat(), "steps": [result.to_dict() for result in results]})


@with_workspace
def replay(
    workspace: Workspace,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First night")],
    end: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last night")],
    again: Annotated[bool, typer.Option(help="Run nights again that are done and up to date")] = False,
    json: AsJson = False,
) -> None:
    """Run what is missing or stale of the nights from start to end, in order, in one process. `ctr plan` tells why."""
    from conf.errors import SettingsError
    from jobs.progress import replay_progress

    if end < start:
        raise SettingsError(f"--end {end.date()} lies before --start {start.date()}.")
    summary = replay_progress(workspace, start.date(), end.date(), again=again, quiet=json)
    if json:
        print_json(summary)
    if summary["blocked"] or summary["empty"]:
        raise typer.Exit(4 if summary["blocked"] else 3)


@with_workspace
def maintain(workspace: Workspace, json: AsJson = False) -> None:
    """Expire old snapshots and remove files and reports that nothing needs any more."""
    from jobs.cli.steps import print_or_tell
    from jobs.maintain import maintain as run

    print_or_tell(run(workspace), json)


@with_workspace
def demo(
    workspace: Workspace,
    airflow: Annotated[bool, typer.Option(help="Whether the last night runs through Airflow")] = True,
    impressions: Annotated[int, typer.Option(min=1000, help="Impressions a day")] = 50_000,
    days: Annotated[int, typer.Option(min=8, help="Days to simulate")] = 21,
) -> None:
    """The main job: simulate three weeks with a drift in them, run every night, and tell how it went."""
    from jobs.demo import run_demo

    run_demo(workspace, airflow=airflow, impressions=impressions, days=days)
