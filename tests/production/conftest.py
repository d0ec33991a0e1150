"""What production has, on this machine: PostgreSQL, object storage, MLflow. Skipped where one is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlflow_server import mlflow_server
from postgres_server import PASSWORD, PostgresServer, postgres_bin, postgres_server
from s3_server import make_bucket, s3_server, s3_variables

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
SETTINGS = {
    "CTR_SET_TRAINING__MODELS": "[mix]",
    "CTR_SET_TRAINING__MIN_TRAIN_DAYS": "1",
    "CTR_SET_TRAINING__THREADS": "1",
    "CTR_SET_TRAINING__MODEL": "{boosted: {max_rounds: 5}, hashing: {bits: 10}, refit: false}",
    "CTR_SET_FEED": "{max_quarantined_share: 1.0, min_volume_ratio: 0.0, min_ctr: 0.0, max_ctr: 1.0}",
    "CTR_SET_PROMOTION": "{approval: gate, confidence: 0.51, min_impressions: 10, min_slice_impressions: 100000, "
    "min_calibration_ratio: 0.1, max_calibration_ratio: 10}",
}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str
    seconds: float


def ctr(variables: Mapping[str, str], *arguments: str) -> Done:
    """The command line in a process of its own, with no variable of CTR's but these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CTR_", "AIRFLOW"))}
    environment = inherited | {"PYTHONPATH": str(PROJECT_FOLDER)} | SETTINGS | dict(variables)
    started = time.perf_counter()
    run = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments],
        cwd=PROJECT_FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(run.returncode, run.stdout, run.stderr, time.perf_counter() - started)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    found = postgres_bin()
    if found is None:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")
    for package in ("psycopg2", "asyncpg"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: make test-prod installs what production needs")
    with postgres_server(found) as server:
        yield server


@pytest.fixture(scope="session")
def storage() -> Iterator[dict[str, str]]:
    """Variables of an object storage with the bucket `ctr`."""
    for package in ("moto", "boto3"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: make test-prod installs what production needs")
    with s3_server() as address:
        make_bucket(address, "ctr")
        yield s3_variables(address)


@pytest.fixture(scope="session")
def tracking_server(postgres, storage, tmp_path_factory) -> Iterator[str]:
    """The address of an MLflow server on PostgreSQL, with its artifacts in object storage."""
    folder = tmp_path_factory.mktemp("mlflow")
    with mlflow_server(folder, postgres.database("mlflow"), "s3://ctr/mlflow", storage) as address:
        yield address


@pytest.fixture(scope="session")
def secrets(storage) -> tuple[str, ...]:
    """What must stand in no file and no output."""
    from urllib.parse import quote

    return (PASSWORD, quote(PASSWORD, safe=""), storage["AWS_SECRET_ACCESS_KEY"])
