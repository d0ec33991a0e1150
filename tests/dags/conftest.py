"""An Airflow of the tests' own: its folder is set before anything imports Airflow."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.sdk import DAG

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
DAGS_FOLDER = PROJECT_FOLDER / "dags"

if "airflow" not in sys.modules:
    _FOLDER = tempfile.TemporaryDirectory(prefix="ctr-airflow-")
    os.environ.update(
        AIRFLOW_HOME=_FOLDER.name,
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(DAGS_FOLDER),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_FOLDER.name}/airflow.db",
    )
    sys.path.append(str(DAGS_FOLDER))


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's tables, empty."""
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(command, check=True, capture_output=True, cwd=os.environ["AIRFLOW_HOME"])


@pytest.fixture(scope="session")
def dags() -> Iterator[dict[str, DAG]]:
    """The project's DAGs by id, loaded as Airflow loads them."""
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(str(DAGS_FOLDER), bundle_path=DAGS_FOLDER, bundle_name="dags-folder")
    assert bag.import_errors == {}
    yield dict(bag.dags)


@pytest.fixture
def airflow_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the project's plugins on the import path, as Airflow puts it there."""
    monkeypatch.syspath_prepend(PROJECT_FOLDER / "jobs" / "services" / "airflow_plugins")
