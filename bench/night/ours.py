"""The night's steps, one after the other, in this process; how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Opens the home; the work runs the night, engine start and imports included. It may be run again and again."""
    from jobs.night import STEPS, run_step
    from jobs.workspace import open_workspace

    workspace = open_workspace(home=Path(task["home"]))

    def work() -> dict[str, Any]:
        seconds = {}
        for step in STEPS:
            began = time.perf_counter()
            run_step(workspace, step, date.fromisoformat(task["night"]))
            seconds[f"{step}_s"] = round(time.perf_counter() - began, 2)
        return seconds

    return work
