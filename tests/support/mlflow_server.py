"""An MLflow server on the loopback address, in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jobs.services.ports import free_port
from jobs.services.processes import Service, ServiceGroup, stopped_at_the_end
from jobs.services.stack import answers


@contextmanager
def mlflow_server(folder: Path, backend: str, artifacts: str, variables: Mapping[str, str]) -> Iterator[str]:
    """The server's address inside the block. Its log is in `folder`; `backend` may hold a password."""
    port = free_port("127.0.0.1")
    address = f"http://127.0.0.1:{port}"
    command = (
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--artifacts-destination", artifacts),
    )
    environment = {**os.environ, **variables, "MLFLOW_BACKEND_STORE_URI": backend}
    environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with stopped_at_the_end(ServiceGroup(environment, folder, folder)) as group:
        group.start(Service("mlflow", command, lambda: answers(f"{address}/health")))
        group.wait_until_healthy(120, lambda states: None)
        yield address
