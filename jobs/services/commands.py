"""Commands of the services, for the command line."""

from __future__ import annotations

import json
import subprocess
from datetime import date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from jobs.cli.options import Day, as_date, with_workspace
from jobs.terminal import say
from jobs.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add `up`, `airflow-night`, `airflow-backfill` and `airflow` to the command line."""
    app.command("up", epilog="Example: `ctr up --airflow-port 8081`")(up)
    app.command("airflow-night", epilog="Example: `ctr airflow-night --date 2026-01-21`")(airflow_night)
    app.command("airflow-backfill", epilog="Example: `ctr airflow-backfill --from 2026-01-03 --to 2026-01-05`")(
        airflow_backfill
    )
    app.command("airflow", epilog="Example: `ctr airflow -- dags list`")(airflow)


@with_workspace
def up(
    workspace: Workspace,
    airflow_port: Annotated[int | None, typer.Option(help="Default: airflow.ui_port of the settings.")] = None,
    mlflow_port: Annotated[int | None, typer.Option(help="Default: airflow.mlflow_port of the settings.")] = None,
    reports_port: Annotated[int | None, typer.Option(help="Default: airflow.reports_port of the settings.")] = None,
    schedule: Annotated[bool, typer.Option(help="Whether DAGs that are switched on run on schedule.")] = True,
) -> None:
    """Start Airflow, the MLflow pages and the report pages, until Ctrl-C."""
    from jobs.services.up import Ports, run_services
    from jobs.terminal import Console

    settings = workspace.settings.airflow
    ports = Ports(
        airflow=airflow_port or settings.ui_port,
        mlflow=mlflow_port or settings.mlflow_port,
        reports=reports_port or settings.reports_port,
    )
    run_services(workspace, ports, on_schedule=schedule, console=Console())


@with_workspace
def airflow_night(workspace: Workspace, date: Day) -> None:
    """Run one night through Airflow: start it, run the DAG and the training it may ask for, stop it."""
    from jobs.services.night import run_airflow_night
    from jobs.terminal import Console

    console = Console(highlight=False)
    day = as_date(date)
    run = run_airflow_night(workspace, day, console)
    training = f"training {run.training}" if run.training else "no training asked for"
    console.print(f"Night {day} through Airflow in {run.seconds:.0f} s: {run.nightly}, {training}.", soft_wrap=True)


@with_workspace
def airflow_backfill(
    workspace: Workspace,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, itself included.")],
    again: Annotated[bool, typer.Option("--again", help="Also run days that have run already.")] = False,
) -> None:
    """Queue the nights from one day to another in a running Airflow, one after the other, oldest first.

    They start once `ctr_nightly` is switched on, in Airflow's page or with `ctr airflow -- dags unpause ctr_nightly`.
    """
    arguments = backfill_arguments(as_date(first), as_date(last), workspace.dataset.zone, again)
    failed = _run_airflow(workspace, arguments)
    if not failed and _is_switched_off(workspace, "ctr_nightly"):
        say(
            "ctr_nightly is switched off, so these nights wait. Switch it on in Airflow's page, or with "
            "`ctr airflow -- dags unpause ctr_nightly --yes`."
        )
    raise typer.Exit(failed)


def backfill_arguments(first: date, last: date, zone: ZoneInfo, again: bool) -> list[str]:
    """Airflow's backfill of whole days of a zone, both ends included, in order.

    Left to itself Airflow reads dates in its own default zone, ends before the last day's night, and runs ten
    nights at once.
    """
    start = datetime.combine(first, time.min, zone)
    end = datetime.combine(last, time(23, 59, 59), zone)
    return [
        *("backfill", "create", "--dag-id", "ctr_nightly", "--max-active-runs", "1"),
        *("--from-date", start.isoformat(), "--to-date", end.isoformat()),
        *("--reprocess-behavior", "completed" if again else "none"),
    ]


@with_workspace
def airflow(
    workspace: Workspace,
    arguments: Annotated[list[str], typer.Argument(help="Airflow's own command and options, after `--`")],
) -> None:
    """Run one of Airflow's own commands on this home's Airflow."""
    raise typer.Exit(_run_airflow(workspace, arguments))


def _run_airflow(workspace: Workspace, arguments: list[str]) -> int:
    from jobs.services.airflow_home import airflow_command

    return subprocess.run(airflow_command(*arguments), env=_airflow_environment(workspace), check=False).returncode


def _is_switched_off(workspace: Workspace, dag_id: str) -> bool:
    """Whether Airflow holds the DAG paused; False where Airflow does not tell."""
    from jobs.services.airflow_home import airflow_command

    asked = airflow_command("dags", "details", dag_id, "--output", "json")
    environment = _airflow_environment(workspace)
    return says_paused(subprocess.run(asked, env=environment, check=False, capture_output=True, text=True).stdout)


def says_paused(details: str) -> bool:
    """Whether the output of `airflow dags details --output json` says so; lines of logs may stand before it."""
    found = details.find("[{")
    try:
        return str(json.loads(details[found:])[0].get("is_paused")) == "True" if found >= 0 else False
    except ValueError:
        return False


def _airflow_environment(workspace: Workspace) -> dict[str, str]:
    """Airflow's variables, with its folders and database made."""
    from jobs.services.airflow_home import AirflowHome, airflow_variables

    folder = AirflowHome.of(workspace.home)
    folder.create()
    environment = airflow_variables(workspace, workspace.settings.airflow.ui_port)
    folder.migrate(environment)
    return environment
