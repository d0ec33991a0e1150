"""As a night scores: Parquet files through the engine and the model into one commit of the table `predictions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

SERVED = date(2030, 1, 1)
"""A day that no night of the home has served."""


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports, opens the home and its catalog, starts the engine; the work replaces a day of `predictions`."""
    from pyiceberg.expressions import EqualTo
    from pyspark.sql import functions as F

    from jobs.score import predicted
    from jobs.workspace import open_workspace

    workspace = open_workspace(home=Path(task["home"]))
    workspace.engine.range(1).count()
    workspace.store.made()
    for name in ("models.bundle", "xgboost"):
        import_module(name)
    ids = ("pair_id", *workspace.dataset.user_and_ad)

    def work() -> dict[str, Any]:
        pairs = workspace.engine.read.parquet(*task["files"])
        scored = predicted(workspace, pairs, task["version"], ids).select(
            F.lit(SERVED).alias("dt"),
            *ids,
            "p_click",
            F.lit("xgboost").alias("model"),
            F.lit(task["version"]).alias("version"),
            F.lit(SERVED.isoformat()).alias("feature_snapshot"),
            F.lit(SERVED).alias("scored_on"),
        )
        rows = workspace.store.replace("predictions", EqualTo("dt", SERVED), scored)
        written = workspace.store.arrow("predictions", EqualTo("dt", SERVED), columns=("p_click",))
        return {"rows": rows, "sum_of_p": float(written["p_click"].to_numpy().sum())}

    return work
