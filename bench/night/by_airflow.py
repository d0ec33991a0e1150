"""The night as one run of its DAG in an Airflow of the home's own, each step in a process of its own.

What is measured begins with the run being asked for and ends with its end; to start Airflow counts as preparation.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.night import ours

RUNNING = ExitStack()


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Starts Airflow as `ctr airflow-night` does, and waits until it knows the DAGs. A drift starts no training."""
    from jobs.services.airflow_client import AirflowClient
    from jobs.services.airflow_home import PROJECT_FOLDER, USER, AirflowHome, airflow_variables
    from jobs.services.night import NIGHTLY, SECONDS_TO_START, Watch, unpaused, wait_for_dags
    from jobs.services.ports import free_port
    from jobs.services.processes import ServiceGroup, stopped_at_the_end
    from jobs.services.stack import airflow_services
    from jobs.terminal import Console
    from jobs.workspace import open_workspace

    workspace = open_workspace(home=Path(task["homes"][task["side"]]))
    host = workspace.settings.airflow.host
    port, airflow = free_port(host), AirflowHome.of(workspace.home)
    airflow.create()
    environment = airflow_variables(workspace, port, on_schedule=False)
    client = AirflowClient(f"http://{host}:{port}", USER, airflow.password())
    airflow.migrate(environment)
    atexit.register(RUNNING.close)  # where something fails before `checked`
    group = RUNNING.enter_context(
        stopped_at_the_end(ServiceGroup(environment, PROJECT_FOLDER, airflow.logs, seconds_to_stop=3))
    )
    for service in airflow_services(client, triggerer=False):
        group.start(service)
    group.wait_until_healthy(SECONDS_TO_START, lambda states: None)
    wait_for_dags(client, group)
    RUNNING.enter_context(unpaused(client, (NIGHTLY,)))

    def work() -> None:
        run = client.trigger(NIGHTLY, {"date": task["night"]})
        Watch(client, group, Console(quiet=True)).follow(NIGHTLY, run)

    return work


def checked(task: Mapping[str, Any]) -> dict[str, Any]:
    """Stops Airflow; what the night came to."""
    RUNNING.close()
    return ours.checked(task)
