"""The same code as ours on a standalone Spark cluster of this machine, with as many workers as the side is named after.

Each worker is a process with one core. Code, master and worker are those that the tests run.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from bench.etl import ours
from bench.etl.tables_written import checked
from bench.sides import ROOT
from conf.settings import EngineSettings

__all__ = ["checked", "prepared"]


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Starts the cluster and a driver; see `ours`. The daemons end with this process."""
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    standalone_cluster = import_module("standalone_cluster").standalone_cluster
    running = ExitStack()
    atexit.register(running.close)
    workers = int(task["side"].split()[0])
    cluster = running.enter_context(standalone_cluster(Path(mkdtemp()), workers))
    return ours.prepared(task, EngineSettings(kind="spark", master=cluster.master))
