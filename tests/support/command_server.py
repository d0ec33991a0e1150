"""Starts commands quickly: a process that has imported what they import, and is copied for each of them.

A copy runs the command line as `python -m jobs.cli` does, in a session of its own, with no engine started before.
Reads requests from standard input, one JSON object a line, and answers twice: when the command has started, and when it
has ended.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

PRELOADED = (
    "great_expectations",
    "evidently",
    "mlflow.pyfunc",
    "mlflow.tracking",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
    "pyspark.sql.connect.session",
    "pyspark.sql.connect.functions",
    "pyspark.sql.functions",
    "pyiceberg.catalog.sql",
    "pyiceberg.io.pyarrow",
    "pyarrow.dataset",
    "sklearn.linear_model",
    "scipy.stats",
    "xgboost",
    "skops.io",
    "jobs.report",
    "jobs.train",
    "jobs.night",
    "jobs.progress",
    "jobs.catch_up",
    "jobs.maintain",
    "jobs.manual_change",
    "jobs.cli.steps",
    "jobs.cli.nights",
    "jobs.cli.models",
    "jobs.cli.reading",
    "jobs.cli.studies",
    "jobs.cli.dataset",
    "jobs.cli.store",
    "jobs.services.commands",
    "validation.feed",
    "monitoring.drift",
    "models.bundle",
)


def serve() -> None:
    """Answer requests until standard input ends."""
    os.environ.update(DO_NOT_TRACK="true", GX_ANALYTICS_ENABLED="false", MLFLOW_DISABLE_TELEMETRY="true")
    for name in PRELOADED:
        importlib.import_module(name)
    answer(ready=True)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(request)
        answer(pid=pid)
        _, status = os.waitpid(pid, 0)
        answer(pid=pid, code=os.waitstatus_to_exitcode(status))


def answer(**content: object) -> None:
    print(json.dumps(content), flush=True)


def _become(request: dict[str, object]) -> None:
    """Turn this copy into the command."""
    import moments

    os.setsid()
    output = os.open(str(request["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, target)
    code = 1
    try:
        moments.run_watched(
            list(request["arguments"]),  # type: ignore[call-overload]
            Path(str(request["log"])),
            int(str(request["kill_at"])),
            Path(str(request["home"])),
        )
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        import atexit

        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent))
    serve()
