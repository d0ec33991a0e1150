"""Simulate: let the simulated ad server write landing files."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from rich.progress import Progress

from conf.errors import SettingsError
from jobs.terminal import Console
from jobs.workspace import Workspace


def simulate_days(
    workspace: Workspace,
    *,
    start: date,
    days: int,
    impressions: int,
    scenario: str,
    drift_from: date | None,
    strength: float,
    seed: int,
) -> dict[str, Any]:
    """Write the landing files of some days; returns the rows written by kind.

    Raises:
        SettingsError: the data set is not the simulated one, or the scenario is unknown.
    """
    from simulation import Scenario, WorldSettings, write_days

    if workspace.dataset.name != "simulated":
        raise SettingsError(f"`ctr simulate` writes the data set `simulated`, not `{workspace.dataset.name}`.")
    settings = WorldSettings(seed=seed, impressions_per_day=impressions)
    plan = Scenario(name=scenario, starts=drift_from, strength=strength)
    with Progress(console=Console(), transient=True) as progress:
        task = progress.add_task("simulating days", total=days)
        summary = write_days(
            workspace.data, workspace.home.truth, settings, plan, start, days, on_day=lambda _: progress.advance(task)
        )
    return {"landing": str(workspace.data), **asdict(summary)}
