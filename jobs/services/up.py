"""`ctr up`: everything that a person looks at, in the foreground until Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.status import Status
from rich.table import Table

from conf.secret_values import without_secrets
from jobs.services.airflow_client import AirflowClient
from jobs.services.airflow_home import PROJECT_FOLDER, USER, AirflowHome, airflow_variables
from jobs.services.ports import require_free
from jobs.services.processes import ServiceGroup, stopped_at_the_end
from jobs.services.stack import airflow_services, has_mlflow_server, mlflow_service, mlflow_variables, reports_service
from jobs.terminal import Console
from jobs.tracking import tracking_uri
from jobs.workspace import Workspace

SECONDS_TO_START = 180.0


@dataclass(frozen=True)
class Ports:
    """Where the services listen."""

    airflow: int
    mlflow: int
    reports: int


def run_services(workspace: Workspace, ports: Ports, *, on_schedule: bool, console: Console) -> None:
    """Start Airflow, the MLflow pages and the report pages; wait; stop them at Ctrl-C or SIGTERM.

    Raises:
        ServiceError: a port is taken, or a service ended by itself.
    """
    host = workspace.settings.airflow.host
    require_free(
        host, {"--airflow-port": ports.airflow, "--mlflow-port": ports.mlflow, "--reports-port": ports.reports}
    )
    airflow = AirflowHome.of(workspace.home)
    airflow.create()
    environment = mlflow_variables(workspace, airflow_variables(workspace, ports.airflow, on_schedule=on_schedule))
    environment["CTR_SET_AIRFLOW__REPORTS_PORT"] = str(ports.reports)  # model cards are linked from MLflow
    client = AirflowClient(f"http://{host}:{ports.airflow}", USER, airflow.password())
    group = ServiceGroup(environment, PROJECT_FOLDER, airflow.logs)
    try:
        with stopped_at_the_end(group):
            with console.status("Preparing Airflow's database") as status:
                group.start(reports_service(workspace, ports.reports))
                if not has_mlflow_server(workspace):
                    group.start(mlflow_service(workspace, ports.mlflow))
                airflow.migrate(environment)
                for service in airflow_services(client, triggerer=True):
                    group.start(service)
                group.wait_until_healthy(SECONDS_TO_START, lambda states: _show(status, states))
            mlflow = tracking_uri(workspace) if has_mlflow_server(workspace) else f"http://{host}:{ports.mlflow}"
            _print_addresses(console, airflow, host, ports, without_secrets(mlflow), on_schedule)
            while True:
                group.require_running()
                time.sleep(1)
    except KeyboardInterrupt:
        console.print("Stopped.")


def _show(status: Status, states: Mapping[str, bool]) -> None:
    parts = [f"[green]{name}[/]" if healthy else f"[dim]{name}[/]" for name, healthy in states.items()]
    status.update("Starting " + "  ".join(parts))


def _print_addresses(
    console: Console, airflow: AirflowHome, host: str, ports: Ports, mlflow: str, on_schedule: bool
) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("Airflow", f"http://{host}:{ports.airflow}")
    # A console shows the password; a file that the output is sent to does not keep it.
    password = airflow.password() if sys.stdout.isatty() else f"in {airflow.passwords}"
    table.add_row("", f"user {USER}, password {password}")
    table.add_row("MLflow", mlflow)
    table.add_row("Reports", f"http://{host}:{ports.reports}")
    console.print(table)
    if on_schedule:
        console.print(
            "DAGs run on schedule once they are switched on in Airflow: ctr_nightly, ctr_train, ctr_maintenance."
        )
    else:
        console.print("No schedule: DAGs run by hand and by drift alone.")
    console.print("Ctrl-C stops everything.")
