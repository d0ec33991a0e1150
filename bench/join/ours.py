"""The pipeline's own join, as it makes training examples: from the tables to Parquet files.

It yields the smoothed rates as well, which the other sides do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from bench.join.rows_joined import checked, fresh_out

__all__ = ["checked", "prepared"]


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Opens the home and starts the engine; the work reads, joins and writes."""
    from jobs.feature_tables import examples_with_features
    from jobs.workspace import open_workspace

    workspace, out = open_workspace(home=Path(task["home"])), fresh_out(task)
    workspace.engine.range(1).count()
    day = date.fromisoformat(task["day"])
    return lambda: examples_with_features(workspace, day).write.parquet(str(out))
