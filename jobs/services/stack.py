"""Which services a home has: their commands, and how to ask each whether it is up."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial

import httpx

from jobs.services.airflow_client import AirflowClient
from jobs.services.airflow_home import airflow_command
from jobs.services.processes import Service
from jobs.tracking import tracking_uri
from jobs.workspace import Workspace


def airflow_services(client: AirflowClient, *, triggerer: bool) -> tuple[Service, ...]:
    """Airflow's processes. Log servers stay off: the api-server reads the log files, and they would listen widely."""
    commands = {
        "metadatabase": ("api-server",),
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "dag_processor": ("dag-processor",),
    }
    if triggerer:
        commands["triggerer"] = ("triggerer", "--skip-serve-logs")
    return tuple(
        Service(f"airflow-{command[0]}", airflow_command(*command), partial(client.health, component))
        for component, command in commands.items()
    )


def mlflow_service(workspace: Workspace, port: int) -> Service:
    """The MLflow pages, on the store that training writes to."""
    host = workspace.settings.airflow.host
    workspace.home.mlflow.mkdir(parents=True, exist_ok=True)
    command = (
        *(sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port), "--workers", "1"),
        *("--default-artifact-root", str(workspace.home.mlflow_artifacts), "--no-serve-artifacts"),
    )
    return Service("mlflow", command, partial(answers, f"http://{host}:{port}/health"))


def has_mlflow_server(workspace: Workspace) -> bool:
    """Whether the settings name an MLflow server, which has pages of its own."""
    return workspace.settings.tracking.uri.startswith(("http://", "https://"))


def reports_service(workspace: Workspace, port: int) -> Service:
    """The report pages, without a login: they listen on the loopback address alone."""
    host = workspace.settings.airflow.host
    options = ("--folder", str(workspace.home.reports), "--host", host, "--port", str(port))
    command = (sys.executable, "-m", "jobs.services.report_pages", *options)
    return Service("reports", command, partial(answers, f"http://{host}:{port}/"))


def mlflow_variables(workspace: Workspace, environment: Mapping[str, str]) -> dict[str, str]:
    """The services' environment with MLflow's store, and its job runners off: the pages need none.

    An address may hold a password, and everybody on a machine can read command lines.
    """
    store = {"MLFLOW_BACKEND_STORE_URI": tracking_uri(workspace)}
    return {**environment, **store, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def answers(address: str) -> bool:
    """Whether a page is served there."""
    try:
        return httpx.get(address, timeout=3, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
