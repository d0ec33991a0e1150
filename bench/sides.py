"""Sides of a comparison: each measured in a process of its own, in turn with the others.

A side is a module with `prepared(task)`, which does what is not measured (imports, engine, reading what is to lie in
memory) and gives back the work as a function. What the function returns, figures by name, is kept; so is what the
module's `checked(task)` returns, if it has one, which runs after the clock has stopped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
ENVIRONMENTS = {"bench.join.feast_offline": ROOT / ".venv-feast" / "bin" / "python"}
"""The Python of those sides that want other versions of packages than ours."""
LOOK_SECONDS = 0.05
TIMEOUT_SECONDS = 1_800


@dataclass(frozen=True)
class Measured:
    """One run of one side.

    Attributes:
        start_s: imports, engine start and preparation, seconds.
        wall_s: the work, seconds.
        cpu_s: user and system seconds of the process and its children during the work.
        peak_mb: most resident memory of the process and its children together during the work, MiB.
        figures: what the work told of itself.
    """

    side: str
    start_s: float
    wall_s: float
    cpu_s: float
    peak_mb: float
    figures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON takes."""
        return asdict(self)


class SideFailed(Exception):
    """A side's process ended with an error; the message holds the end of what it said."""


def measured(module: str, task: Mapping[str, Any]) -> Measured:
    """Run a side in a new process.

    Raises:
        SideFailed: it ended with an error, or did not end in half an hour.
    """
    python = str(ENVIRONMENTS.get(module, sys.executable))
    command = [python, "-m", "bench.sides", module, json.dumps(task)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    if ".ours" in module:
        from jobs.cli import LIBRARIES

        environment |= LIBRARIES  # as the command line has it
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SideFailed(f"{module} did not end in {TIMEOUT_SECONDS} s.") from error
    if done.returncode:
        raise SideFailed(f"{module}: {done.stderr.strip()[-1500:]}")
    return Measured(side=module.rpartition(".")[2], **json.loads(done.stdout.splitlines()[-1]))


def run_here(module: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """Prepare and do a side's work in this process; what it cost."""
    began = time.perf_counter()
    side = import_module(module)
    work = side.prepared(task)
    start = time.perf_counter() - began
    with _Peak() as peak:
        cpu, began = _cpu_seconds(), time.perf_counter()
        figures = work()
        wall, cpu = time.perf_counter() - began, _cpu_seconds() - cpu
    kept = dict(figures or {}) | (side.checked(task) if hasattr(side, "checked") else {})
    return {"start_s": start, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak.mb, "figures": kept}


class _Peak:
    """Looks at the memory of this process and its children many times a second."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            self.mb = max(self.mb, sum(_resident(process) for process in _family()) / 1024**2)
            if self._done.wait(LOOK_SECONDS):
                return


def _family() -> Sequence[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _cpu_seconds() -> float:
    """Of this process, its children that live, and those that ended and were waited for."""
    total = 0.0
    for process in _family():
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


if __name__ == "__main__":
    found = run_here(sys.argv[1], json.loads(sys.argv[2]))
    print(json.dumps(found), flush=True)
    sys.stdout.flush()
    os._exit(0)  # engines may take seconds to stop, which is not measured
