"""The same code as ours on Apache Spark, in one process with all cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.etl import ours
from bench.etl.tables_written import checked
from conf.settings import EngineSettings

__all__ = ["checked", "prepared"]


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Starts Spark; see `ours`."""
    return ours.prepared(task, EngineSettings(kind="spark", master="local[*]"))
