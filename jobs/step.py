"""One step of a night: what it did, how long it took, and the record of it."""

from __future__ import annotations

import json
import resource
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jobs.workspace import Home, Workspace


@dataclass(frozen=True)
class StepResult:
    """What a step tells of its work: rows written by table, and details for people and machines."""

    step: str
    day: date
    rows: Mapping[str, int]
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        return {"step": self.step, "day": self.day.isoformat(), "rows": dict(self.rows), **self.detail}


@contextmanager
def scratch_folder(home: Home, step: str) -> Iterator[Path]:
    """A folder for files that do not outlive the step."""
    folder = home.scratch / f"{step}-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Stopwatch:
    """Wall time, processor time and peak memory of one step."""

    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def record(self, result: StepResult, inputs: Mapping[str, str]) -> dict[str, Any]:
        """The step's row of the table `runs`, with the digests of what it read."""
        return {
            "dt": result.day,
            "step": result.step,
            "rows": sum(result.rows.values()),
            "seconds": round(time.perf_counter() - self.wall, 3),
            "cpu_seconds": round(time.process_time() - self.cpu, 3),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "detail": json.dumps({**result.to_dict(), "inputs": inputs}, default=str, ensure_ascii=False),
        }


def save_record(workspace: Workspace, record: Mapping[str, Any]) -> None:
    """Keep a step's record in `runs`, in place of an earlier run's."""
    from pyiceberg.expressions import And, EqualTo

    here = And(EqualTo("dt", record["dt"]), EqualTo("step", record["step"]))
    workspace.store.replace_rows("runs", here, [record])
