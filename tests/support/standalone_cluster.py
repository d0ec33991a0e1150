"""A standalone Spark cluster on this machine: one master and two workers of one core, from PySpark's own jars."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

HOST = "127.0.0.1"
WORKERS = 2
START_SECONDS, STOP_SECONDS = 120.0, 20.0


@dataclass(frozen=True)
class StandaloneCluster:
    """A running cluster: the address of its master, and where the master tells about itself."""

    master: str
    web: str

    def state(self) -> dict[str, Any]:
        """What the master knows: workers, and applications active and completed."""
        with urllib.request.urlopen(f"{self.web}/json/", timeout=10) as answer:
            return dict(json.load(answer))


@contextmanager
def standalone_cluster(folder: Path) -> Iterator[StandaloneCluster]:
    """Start a cluster whose files and logs lie in a folder; stop all of it at the end, executors included."""
    port, web = free_port(), free_port()
    cluster = StandaloneCluster(f"spark://{HOST}:{port}", f"http://{HOST}:{web}")
    processes: list[subprocess.Popen[bytes]] = []
    try:
        processes.append(daemon(folder, "master", "--port", str(port), "--webui-port", str(web)))
        wait_for(cluster, 0, processes)
        for number in range(WORKERS):
            size = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"work{number}"))
            processes.append(daemon(folder, "worker", *size, "--webui-port", "0", cluster.master))
        wait_for(cluster, WORKERS, processes)
        yield cluster
    finally:
        for process in reversed(processes):
            stop(process)


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def daemon(folder: Path, kind: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A master or worker in a process group of its own, so that a worker's executors go with it."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": HOST, "SPARK_DAEMON_MEMORY": "256m"}
    name = f"org.apache.spark.deploy.{kind}.{kind.title()}"
    with log_file(folder, kind) as log:
        return subprocess.Popen(
            [home / "bin" / "spark-class", name, "--host", HOST, *arguments],
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )


def log_file(folder: Path, kind: str) -> IO[bytes]:
    return (folder / f"{kind}-{time.monotonic_ns()}.log").open("wb")


def wait_for(cluster: StandaloneCluster, workers: int, processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait until the master answers and knows its workers."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert all(process.poll() is None for process in processes), "a daemon ended: see its log"
        with suppress(OSError, ValueError):
            if cluster.state()["aliveworkers"] >= workers:
                return
        time.sleep(0.2)
    raise TimeoutError(f"{cluster.master} has no {workers} workers after {START_SECONDS} s")


def stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def running_in(group_leaders: list[int]) -> list[int]:
    """Processes that still belong to the process groups."""
    import psutil

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if process.status() != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) in group_leaders:
                found.append(process.pid)
    return found
