"""Which step of the latest night took longest, and whether it is getting slower."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from statistics import median
from typing import Any

from jobs.store.spans import between
from jobs.workspace import Workspace

NIGHTS = 7
"""Nights on either side of the trend: a week, so that weekdays count alike."""


def slowest_step(workspace: Workspace) -> dict[str, Any] | None:
    """The slowest step of the latest night with its trend; None before the first night."""
    days = workspace.store.days("runs")
    if not days:
        return None
    span = between(days[-1] - timedelta(days=2 * NIGHTS - 1), days[-1])
    return trend(workspace.store.arrow("runs", span, columns=("dt", "step", "seconds")).to_pylist())


def trend(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The slowest step of the latest night in `runs` (dt, step, seconds), with the median seconds of its nights in the
    last week and in the week before; `change` is their ratio less 1, None where the step did not run in both.
    """
    latest = max(run["dt"] for run in runs)
    slowest = max((run for run in runs if run["dt"] == latest), key=lambda run: run["seconds"])
    same = [run for run in runs if run["step"] == slowest["step"]]
    week = latest - timedelta(days=NIGHTS)
    recent = median([run["seconds"] for run in same if run["dt"] > week])
    earlier = [run["seconds"] for run in same if week - timedelta(days=NIGHTS) < run["dt"] <= week]
    before = median(earlier) if earlier else None
    return {
        "step": slowest["step"],
        "day": latest.isoformat(),
        "seconds": slowest["seconds"],
        "median_seconds": recent,
        "median_seconds_before": before,
        "change": recent / before - 1.0 if before else None,
    }
