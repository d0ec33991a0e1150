"""The report pages in a process of their own, as `ctr up` serves them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.services.ports import free_port

PROJECT_FOLDER = Path(__file__).resolve().parents[2]


@contextmanager
def served(root: Path) -> Iterator[int]:
    """The port on which the report pages of a folder are served, as `ctr up` serves them."""
    port = free_port("127.0.0.1")
    options = ["--folder", str(root), "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "jobs.services.report_pages", *options]
    process = subprocess.Popen(command, cwd=PROJECT_FOLDER, env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)})
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()
