"""An MLflow server on the loopback address, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from jobs.services.ports import free_port


@contextmanager
def mlflow_server(folder: Path, backend: str, artifacts: str, variables: Mapping[str, str]) -> Iterator[str]:
    """The server's address inside the block. Its log is in `folder`; `backend` may hold a password."""
    port = free_port("127.0.0.1")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--artifacts-destination", artifacts]
    environment = {**os.environ, **variables, "MLFLOW_BACKEND_STORE_URI": backend}
    environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not answers(address):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.3)
        yield address
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=10)


def answers(address: str) -> bool:
    """Whether an MLflow server does."""
    try:
        return httpx.get(f"{address}/health", timeout=3, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
