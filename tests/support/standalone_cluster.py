"""A standalone Spark cluster on this machine: one master and some workers of one core, from PySpark's own jars."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

HOST = "127.0.0.1"
WORKERS = 2
START_SECONDS, STOP_SECONDS = 120.0, 40.0

TIED_TO_ITS_PARENT = """
exec 3<&0
(
  cat <&3 >/dev/null
  kill -TERM $$
  left=100
  while kill -0 $$ && [ $((left -= 1)) -gt 0 ]; do sleep 0.2; done
  kill -KILL -$$
) 2>/dev/null &
exec "$@" 3<&- </dev/null
"""
"""Runs a command until standard input ends, which it does however the process at its other end has ended.

The command is asked to stop, alone: a worker whose executors ended before it would start others. What it leaves in its
process group is killed after it, and it itself after twenty seconds.
"""


@dataclass(frozen=True)
class StandaloneCluster:
    """A running cluster: the address of its master, and where the master tells about itself."""

    master: str
    web: str

    def state(self) -> dict[str, Any]:
        """What the master knows: workers, and applications active and completed."""
        return page(self.web)

    def executors(self) -> dict[str, set[str]]:
        """By application, active or completed: the workers that ran an executor for it, as the workers tell."""
        found: dict[str, set[str]] = defaultdict(set)
        for worker in self.state()["workers"]:
            told = page(worker["webuiaddress"])
            for executor in told["executors"] + told["finishedexecutors"]:
                found[executor["appid"]].add(worker["id"])
        return dict(found)


def page(address: str) -> dict[str, Any]:
    """What a daemon tells about itself."""
    with urllib.request.urlopen(f"{address}/json/", timeout=10) as answer:
        return dict(json.load(answer))


@contextmanager
def standalone_cluster(folder: Path, workers: int = WORKERS) -> Iterator[StandaloneCluster]:
    """Start a cluster whose files and logs lie in a folder; stop all of it at the end, executors included.

    All ports are chosen by the daemons themselves, which are free then. The daemons end with this process, even if it
    is killed.
    """
    processes: list[subprocess.Popen[bytes]] = []
    try:
        log = folder / "master.log"
        processes.append(daemon(log, "Master", "--port", "0"))
        cluster = wait_for(lambda: told_by(log), processes)
        for number in range(workers):
            size = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"work{number}"))
            processes.append(daemon(folder / f"worker{number}.log", "Worker", *size, cluster.master))
        wait_for(lambda: cluster if cluster.state()["aliveworkers"] == workers else None, processes)
        yield cluster
    finally:
        for process in processes:  # the master first: it would have lost executors started again
            stop(process)


def daemon(log: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A master or worker in a process group of its own, so that a worker's executors go with it."""
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": HOST, "SPARK_DAEMON_MEMORY": "256m"}
    command = (str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name.lower()}.{name}")
    with log.open("wb") as output:
        return subprocess.Popen(
            ["sh", "-c", TIED_TO_ITS_PARENT, "sh", *command, "--host", HOST, "--webui-port", "0", *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )


def told_by(log: Path) -> StandaloneCluster | None:
    """The addresses that a master has written into its log, once both stand there."""
    text = log.read_text(encoding="utf-8", errors="replace")
    master = re.search(r"Starting Spark master at (spark://\S+)", text)
    web = re.search(r"Bound MasterWebUI to \S+, and started at (http://\S+)", text)
    return StandaloneCluster(master[1], web[1]) if master and web else None


def wait_for(
    found: Callable[[], StandaloneCluster | None], processes: list[subprocess.Popen[bytes]]
) -> StandaloneCluster:
    """The cluster, once it is found."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert all(process.poll() is None for process in processes), "a daemon ended: see its log"
        with suppress(OSError, ValueError):
            if cluster := found():
                return cluster
        time.sleep(0.2)
    raise TimeoutError(f"no cluster of all its workers after {START_SECONDS} s: see the daemons' logs")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a daemon and everything in its process group."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait(STOP_SECONDS)
    until = time.monotonic() + STOP_SECONDS
    while running_in(process.pid):
        assert time.monotonic() < until, f"these outlive their daemon: {running_in(process.pid)}"
        time.sleep(0.1)


def running_in(group: int) -> list[int]:
    """The processes of a process group that have not ended."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if process.status() != psutil.STATUS_ZOMBIE and os.getpgid(process.pid) == group:
                found.append(process.pid)
    return found
