"""Commands of the services, for the command line."""

from __future__ import annotations

import os
import subprocess
from datetime import date, datetime, time
from typing import Annotated

import typer

ON_DATE = typer.Option("--date", formats=["%Y-%m-%d"], help="The day, in the data set's time zone.")


def register(app: typer.Typer) -> None:
    """Add `up`, `airflow-night`, `airflow-backfill` and `airflow` to the command line."""
    app.command()(up)
    app.command("airflow-night")(airflow_night)
    app.command("airflow-backfill")(airflow_backfill)
    app.command("airflow", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(airflow)


def up(
    airflow_port: Annotated[int | None, typer.Option(help="Default: airflow.ui_port of the settings.")] = None,
    mlflow_port: Annotated[int | None, typer.Option(help="Default: airflow.mlflow_port of the settings.")] = None,
    reports_port: Annotated[int | None, typer.Option(help="Default: airflow.reports_port of the settings.")] = None,
    schedule: Annotated[bool, typer.Option(help="Whether DAGs that are switched on run on schedule.")] = True,
) -> None:
    """Start Airflow, the MLflow pages and the report pages, until Ctrl-C."""
    from rich.console import Console

    from jobs.services.up import Ports, run_services
    from jobs.workspace import open_workspace

    workspace = open_workspace()
    settings = workspace.settings.airflow
    ports = Ports(
        airflow=airflow_port or settings.ui_port,
        mlflow=mlflow_port or settings.mlflow_port,
        reports=reports_port or settings.reports_port,
    )
    run_services(workspace, ports, on_schedule=schedule, console=Console())


def airflow_night(day: Annotated[datetime, ON_DATE]) -> None:
    """Run one night through Airflow: start it, run the DAG and the training it may ask for, stop it."""
    from rich.console import Console

    from jobs.services.night import run_night
    from jobs.workspace import open_workspace

    console = Console()
    run = run_night(open_workspace(), day.date(), console)
    training = f", training {run.training}" if run.training else ", no training asked for"
    console.print(f"Night {day.date()} through Airflow in {run.seconds:.0f} s: {run.nightly}{training}.")


def airflow_backfill(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, itself included.")],
    again: Annotated[bool, typer.Option("--again", help="Also run days that have run already.")] = False,
) -> None:
    """Queue the nights from one day to another in a running Airflow, one after the other, oldest first."""
    from jobs.workspace import open_workspace

    zone = open_workspace().dataset.zone
    raise typer.Exit(_run_airflow(backfill_arguments(first.date(), last.date(), zone.key, again)))


def backfill_arguments(first: date, last: date, zone: str, again: bool) -> list[str]:
    """Airflow's backfill of whole days of a zone, both ends included, in order.

    Left to itself Airflow reads dates in its own default zone, ends before the last day's night, and runs ten
    nights at once.
    """
    from zoneinfo import ZoneInfo

    start = datetime.combine(first, time.min, ZoneInfo(zone))
    end = datetime.combine(last, time(23, 59, 59), ZoneInfo(zone))
    return [
        *("backfill", "create", "--dag-id", "ctr_nightly", "--max-active-runs", "1"),
        *("--from-date", start.isoformat(), "--to-date", end.isoformat()),
        *("--reprocess-behavior", "completed" if again else "none"),
    ]


def airflow(context: typer.Context) -> None:
    """Run any Airflow command on this home's Airflow, for example `ctr airflow dags list`."""
    raise typer.Exit(_run_airflow(context.args))


def _run_airflow(arguments: list[str]) -> int:
    from jobs.services.airflow_home import AirflowHome, airflow_command, airflow_variables
    from jobs.workspace import open_workspace

    workspace = open_workspace()
    folder = AirflowHome.of(workspace.home)
    folder.create()
    environment = airflow_variables(workspace, workspace.settings.airflow.ui_port)
    folder.migrate(environment)
    return subprocess.run(airflow_command(*arguments), env=environment, cwd=os.getcwd(), check=False).returncode
