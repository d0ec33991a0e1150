"""The night's steps, one after the other, in this process; what each took, and what the night was made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Opens the side's home; the work runs the night, engine start and imports included, as often as it is asked."""
    from jobs.night import STEPS, run_step
    from jobs.workspace import open_workspace

    workspace = open_workspace(home=Path(task["homes"][task["side"]]))

    def work() -> dict[str, Any]:
        seconds = {}
        for step in STEPS:
            began, cpu = time.perf_counter(), time.process_time()
            run_step(workspace, step, date.fromisoformat(task["night"]))
            seconds[f"{step}_s"] = round(time.perf_counter() - began, 2)
            seconds[f"{step}_cpu_s"] = round(time.process_time() - cpu, 2)
        return seconds

    return work


def checked(task: Mapping[str, Any]) -> dict[str, Any]:
    """What the night's cost may depend on, and what it predicted.

    `rows` are its impressions, `keys` those of all histories, `days` those before it.
    """
    from pyiceberg.expressions import EqualTo

    from features.histories import history_keys
    from jobs.champion import bundle_folder, champion_as_of
    from jobs.workspace import open_workspace
    from models.bundle import load_bundle

    workspace = open_workspace(home=Path(task["homes"][task["side"]]))
    store, night = workspace.store, date.fromisoformat(task["night"])
    tomorrow = EqualTo("dt", night + timedelta(days=1))
    champion = champion_as_of(workspace, night)
    assert champion is not None
    bundle = load_bundle(bundle_folder(workspace, champion.version) / "bundle")
    predicted = store.arrow("predictions", tomorrow, columns=("p_click",))["p_click"].to_numpy()
    tables = [f"features_{name}" for name in history_keys(workspace.dataset)]
    return {
        "rows": store.arrow("impressions", EqualTo("dt", night), columns=("dt",)).num_rows,
        "keys": sum(store.arrow(name, tomorrow, columns=("dt",)).num_rows for name in tables),
        "features": len(bundle.columns.all),
        "trees": int(bundle.summary["rounds"]),
        "days": sum(day < night for day in store.days("examples")),
        "predictions": len(predicted),
        "sum_of_p": float(predicted.sum()),
    }
