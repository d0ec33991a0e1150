"""One step of a night: what it did, how long it took, and the record of it."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jobs.process_memory import peak_mb, restart_peak
from jobs.store.meter import Meter
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


MEASURES = ("rows", "rows_in", "seconds", "rows_per_second", "cpu_seconds", "peak_mb", "bytes_written")
"""What is measured of every step, by the column of `runs`."""


@dataclass
class Stopwatch:
    """Wall time, processor time, peak memory, and rows and bytes through the tables of one step, from when it is made.

    Peak memory is what the process held at most while the step ran. In a process of its own, as through Airflow, that
    is the step's; after other steps in one process it includes what those left behind. A kernel that does not let the
    mark be set back tells the most since the process began. Memory of a Spark server is in none of them.
    """

    meter: Meter
    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)

    def __post_init__(self) -> None:
        """Begin to count."""
        self.meter.reset()
        restart_peak()

    def measured(self, result: StepResult) -> dict[str, Any]:
        """What the step took: rows landed and read, rows written, seconds, MiB, bytes.

        Rows a second are of those that came in or went out, whichever were more: a training writes one row.
        """
        seconds, rows = time.perf_counter() - self.wall, sum(result.rows.values())
        rows_in = self.meter.rows_read + sum(counts["landed"] for counts in result.detail.get("balance", {}).values())
        return {
            "rows": rows,
            "rows_in": rows_in,
            "seconds": round(seconds, 3),
            "rows_per_second": round(max(rows, rows_in) / seconds, 1),
            "cpu_seconds": round(time.process_time() - self.cpu, 3),
            "peak_mb": round(peak_mb(), 1),
            "bytes_written": self.meter.bytes_written,
        }

    def record(self, result: StepResult, inputs: Mapping[str, str]) -> dict[str, Any]:
        """The step's row of the table `runs`, with the digests of what it read."""
        return {
            "dt": result.day,
            "step": result.step,
            **self.measured(result),
            "detail": json.dumps({**result.to_dict(), "inputs": inputs}, default=str, ensure_ascii=False),
        }


def save_record(workspace: Workspace, record: Mapping[str, Any]) -> None:
    """Keep a step's record in `runs`, in place of an earlier run's."""
    from pyiceberg.expressions import And, EqualTo

    here = And(EqualTo("dt", record["dt"]), EqualTo("step", record["step"]))
    workspace.store.replace_rows("runs", here, [record])
