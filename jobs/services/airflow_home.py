"""Airflow's folder inside the home, and the variables that its processes run with."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from conf.secret_values import known_secrets, without_secrets
from jobs.services.errors import ServiceError
from jobs.workspace import Home, Workspace, remembered_sources

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
PLUGINS_FOLDER = Path(__file__).resolve().parent / "airflow_plugins"
USER = "admin"
# Empty schedules in the settings. Airflow's own `use_job_schedule` would switch off asset schedules as well.
NO_CRONS = {f"CTR_SET_AIRFLOW__{name}": '""' for name in ("NIGHTLY_CRON", "WEEKLY_TRAINING_CRON", "MAINTENANCE_CRON")}


@dataclass(frozen=True)
class AirflowHome:
    """Files of the Airflow that belongs to one home. The folder is readable by its owner alone: it holds secrets."""

    path: Path

    @classmethod
    def of(cls, home: Home) -> AirflowHome:
        """The Airflow folder of a home."""
        return cls(home.airflow)

    @property
    def passwords(self) -> Path:
        """User names and passwords that Airflow's login accepts."""
        return self.path / "passwords.json"

    @property
    def logs(self) -> Path:
        """What the services wrote to their output."""
        return self.path / "service_logs"

    @property
    def migrated(self) -> Path:
        """Names the Airflow version whose schema the database has."""
        return self.path / "migrated"

    def create(self) -> None:
        """Make the folder, and a password for the one user, where they are missing."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        if not self.passwords.exists():
            descriptor = os.open(self.passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({USER: secrets.token_urlsafe(12)}, file)

    def password(self) -> str:
        """The password of the user."""
        try:
            return str(json.loads(self.passwords.read_text(encoding="utf-8"))[USER])
        except (OSError, ValueError, KeyError) as error:
            raise ServiceError(
                f"{self.passwords} holds no password of `{USER}`. Delete it to get a new one."
            ) from error

    def migrate(self, environment: Mapping[str, str]) -> bool:
        """Bring the database to the installed Airflow's schema; say whether there was anything to do."""
        address = environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]  # with a password, perhaps: kept as a digest
        wanted = f"{version('apache-airflow')} {hashlib.sha256(address.encode()).hexdigest()}"
        if self.migrated.exists() and self.migrated.read_text(encoding="utf-8") == wanted:
            return False
        command = airflow_command("db", "migrate")
        run = subprocess.run(command, env=dict(environment), cwd=self.path, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            end = without_secrets("\n".join((run.stdout + run.stderr).splitlines()[-15:]), known_secrets(environment))
            raise ServiceError(f"Airflow's database in {self.path} cannot be migrated:\n{end}")
        self.migrated.write_text(wanted, encoding="utf-8")
        return True


def airflow_command(*arguments: str) -> tuple[str, ...]:
    """Argument list of an Airflow command, run by this Python."""
    return (sys.executable, "-m", "airflow", *arguments)


def step_variables(workspace: Workspace) -> dict[str, str]:
    """`CTR_*` variables that make a step in another folder find the same home, data set and data."""
    name = workspace.dataset.name
    given = os.environ.get("CTR_DATASET") or remembered_sources(workspace.home).get(name, {}).get("description", name)
    env = os.environ.get("CTR_ENV", "")
    variables = {
        "CTR_HOME": str(workspace.home.path),
        "CTR_DATASET": _absolute_if_file(given),
        "CTR_DATA": str(workspace.data),
    }
    return variables | ({"CTR_ENV": _absolute_if_file(env)} if env else {})


def _absolute_if_file(text: str) -> str:
    return str(Path(text).resolve()) if text.endswith((".yaml", ".yml")) else text


def airflow_variables(workspace: Workspace, port: int, *, on_schedule: bool = True) -> dict[str, str]:
    """The environment of every Airflow process of a home.

    With `on_schedule` off, DAGs run by hand and by drift alone.
    Variables `AIRFLOW__*` that are set already stand, so that a PostgreSQL database can be named, for example; only
    what must fit this home does not: addresses, folders and the login.
    """
    settings = workspace.settings.airflow
    folder = AirflowHome.of(workspace.home)
    address = f"http://{settings.host}:{port}"
    defaults = {
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DEFAULT_TIMEZONE": workspace.dataset.time_zone,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder.path / 'airflow.db'}",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        # Nobody but the owner writes; Airflow itself would let the group.
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o750",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o640",
    }
    fixed = {
        "AIRFLOW_HOME": str(folder.path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_FOLDER / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS_FOLDER),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder.passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__HOST": settings.host,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "DO_NOT_TRACK": "true",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_FOLDER), os.environ.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",
    }
    crons = {} if on_schedule else NO_CRONS
    return {**defaults, **os.environ, **step_variables(workspace), **crons, **fixed}
