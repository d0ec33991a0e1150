"""`ctr airflow-night`: one night through Airflow, in the foreground, with nothing running before or after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.text import Text

from jobs.services.airflow_client import AirflowClient
from jobs.services.airflow_home import PROJECT_FOLDER, USER, AirflowHome, airflow_variables
from jobs.services.errors import ServiceError, TaskFailed
from jobs.services.ports import free_port
from jobs.services.processes import ServiceGroup, stopped_at_the_end
from jobs.services.stack import airflow_services
from jobs.terminal import Console
from jobs.workspace import Workspace

NIGHTLY, TRAINING = "ctr_nightly", "ctr_train"
SECONDS_TO_START = 180.0
SECONDS_FOR_ASSET = 60.0
SECONDS_BETWEEN_LOOKS = 0.5
LOG_LINES_SHOWN = 20
WAITS_FOR_A_PERSON = "awaiting_input"
HOW_TO_ANSWER = "`ctr up` shows what is asked, under Required Actions; `ctr models` and `ctr promote` do without."
STYLES = {"success": "green", "running": "cyan", "failed": "red", "up_for_retry": "red", "skipped": "dim"}


@dataclass(frozen=True)
class NightRun:
    """What one night through Airflow came to. `training` is None where drift started none."""

    nightly: str
    training: str | None
    seconds: float


def run_airflow_night(workspace: Workspace, day: date, console: Console | None = None) -> NightRun:
    """Run `ctr_nightly` for a day, and the `ctr_train` that it may start, then stop Airflow again.

    Raises:
        TaskFailed: a task failed; the message holds the end of its log.
        ServiceError: Airflow could not be started, or ended by itself.
    """
    started = time.monotonic()
    console = console or Console(highlight=False)
    host = workspace.settings.airflow.host
    port = free_port(host)
    airflow = AirflowHome.of(workspace.home)
    airflow.create()
    # Unpausing a DAG lets its schedule create a run for the real yesterday; this command is about one day alone.
    environment = airflow_variables(workspace, port, on_schedule=False)
    client = AirflowClient(f"http://{host}:{port}", USER, airflow.password())
    # By the end nothing is under way any more, and the api-server alone would take several seconds to say goodbye.
    services = ServiceGroup(environment, PROJECT_FOLDER, airflow.logs, seconds_to_stop=3)
    with stopped_at_the_end(services) as group:
        with console.status("Starting Airflow"):
            airflow.migrate(environment)
            for service in airflow_services(client, triggerer=False):
                group.start(service)
            group.wait_until_healthy(SECONDS_TO_START, lambda states: None)
            wait_for_dags(client, group)
        with unpaused(client, (NIGHTLY, TRAINING)):
            watch = Watch(client, group, console)
            trained_before = {run["dag_run_id"] for run in client.runs(TRAINING)}
            nightly = client.trigger(NIGHTLY, {"date": day.isoformat()})
            watch.follow(NIGHTLY, nightly)
            training = None
            if watch.task_state(NIGHTLY, nightly, "announce_drift") == "success":
                training = watch.new_run(TRAINING, trained_before)
                watch.follow(TRAINING, training)
    return NightRun(nightly, training, time.monotonic() - started)


def wait_for_dags(client: AirflowClient, group: ServiceGroup) -> None:
    """Wait until both DAGs have been parsed.

    Raises:
        ServiceError: a DAG file does not load, or the DAGs do not appear in time.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while any(client.dag_paused(dag_id) is None for dag_id in (NIGHTLY, TRAINING)):
        group.require_running()
        errors = client.import_errors()
        if errors:
            raise ServiceError("A DAG file does not load:\n" + "\n".join(errors))
        if time.monotonic() > deadline:
            raise ServiceError(f"The DAGs did not appear within {SECONDS_TO_START:.0f} s. Logs: {group.logs}.")
        time.sleep(SECONDS_BETWEEN_LOOKS)


@contextmanager
def unpaused(client: AirflowClient, dag_ids: tuple[str, ...]) -> Iterator[None]:
    """DAGs that may run inside the block, and are as they were before after it."""
    paused = [dag_id for dag_id in dag_ids if client.dag_paused(dag_id)]
    for dag_id in paused:
        client.pause(dag_id, False)
    try:
        yield
    finally:
        for dag_id in paused:
            client.pause(dag_id, True)


@dataclass(frozen=True)
class Watch:
    """Shows the tasks of runs while they go, and fails at the first task that does."""

    client: AirflowClient
    group: ServiceGroup
    console: Console

    def follow(self, dag_id: str, run_id: str) -> None:
        """Wait for a run's end, or until a person is asked: the answer may take days.

        A failed task ends the wait at its first try: a person who sits before the screen wants to know at once.

        Raises:
            TaskFailed: a task failed; the message holds the end of its log.
        """
        told: set[str] = set()
        with Live(console=self.console, refresh_per_second=4) if self.console.is_terminal else nullcontext() as live:
            while True:
                self.group.require_running()
                state = self.client.run_state(dag_id, run_id)
                tasks = self.client.tasks(dag_id, run_id)
                if live:
                    live.update(Group(Text(f"{dag_id} {run_id}"), *(task_line(task) for task in tasks)))
                else:
                    self._tell_ended(dag_id, tasks, told)
                for task in tasks:
                    if task["state"] in ("failed", "up_for_retry"):
                        self._raise_failure(dag_id, run_id, task)
                if state == "failed":
                    raise TaskFailed(f"{dag_id} {run_id} failed without a failed task: it took longer than it may.")
                if state == "success":
                    return
                asking = [str(task["task_id"]) for task in tasks if task["state"] == WAITS_FOR_A_PERSON]
                if asking:
                    self.console.print(f"{dag_id} waits for a person at {asking[0]}: {HOW_TO_ANSWER}", soft_wrap=True)
                    return
                time.sleep(SECONDS_BETWEEN_LOOKS)

    def _tell_ended(self, dag_id: str, tasks: list[dict[str, Any]], told: set[str]) -> None:
        """One line a task, once it has ended, where nothing can be redrawn. Adds to `told`."""
        for task in tasks:
            if task["end_date"] and task["task_id"] not in told:
                told.add(task["task_id"])
                self.console.print(Text.assemble(f"{dag_id:<12}", task_line(task)))

    def new_run(self, dag_id: str, known: set[str]) -> str:
        """The run that an asset event has started."""
        deadline = time.monotonic() + SECONDS_FOR_ASSET
        while time.monotonic() < deadline:
            self.group.require_running()
            fresh = [run["dag_run_id"] for run in self.client.runs(dag_id) if run["dag_run_id"] not in known]
            if fresh:
                return str(fresh[0])
            time.sleep(SECONDS_BETWEEN_LOOKS)
        raise ServiceError(f"The drift asset started no run of {dag_id} within {SECONDS_FOR_ASSET:.0f} s.")

    def task_state(self, dag_id: str, run_id: str, task_id: str) -> str | None:
        """State of one task."""
        return next((task["state"] for task in self.client.tasks(dag_id, run_id) if task["task_id"] == task_id), None)

    def _raise_failure(self, dag_id: str, run_id: str, task: dict[str, Any]) -> None:
        task_id, attempt = str(task["task_id"]), int(str(task["try_number"] or 1))
        lines = self.client.log(dag_id, run_id, task_id, attempt)
        self.client.fail_run(dag_id, run_id)
        end = "\n".join(line for line in lines[-LOG_LINES_SHOWN:] if line.strip())
        raise TaskFailed(f"Task {task_id} of {dag_id} {run_id} failed. The end of its log:\n{end}")


def task_line(task: dict[str, Any]) -> Text:
    """One task as a line: state, name and seconds."""
    state = str(task["state"] or "waiting")
    duration = task.get("duration")
    seconds = f"{float(str(duration)):.1f} s" if duration else ""
    return Text.assemble((f"  {state:<14}", STYLES.get(state, "dim")), f"{task['task_id']!s:<22}", seconds)
