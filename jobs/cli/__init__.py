"""The command line `ctr`."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import datetime
from pathlib import Path

import typer

from conf.errors import CtrError

UNEXPECTED = 70
INTERRUPTED = 130

app = typer.Typer(
    name="ctr",
    help="Nightly click-through-rate pipeline: logs in; calibrated click probabilities, a drift report and proven "
    "models out.",
    epilog="Try it: `ctr simulate`, then `ctr replay --start 2026-01-01 --end 2026-01-10`, then `ctr status`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def main() -> None:
    """Run the command line. Errors end with a message that says what to do, and with an exit code that means something:
    1 general, 2 settings, 3 landing files, 4 feed blocked, 5 tables or models, 6 not ready yet, 70 a defect of ours.
    """
    # Read by the libraries at import: nothing phones home.
    os.environ.update(DO_NOT_TRACK="true", GX_ANALYTICS_ENABLED="false", MLFLOW_DISABLE_TELEMETRY="true")
    # Threads that wait give their core away: on a busy machine a training takes half the processor time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from jobs.cli import dataset, models, moving, nights, reading, steps, store, studies
    from jobs.services.commands import register

    for module in (steps, nights, models, reading, studies, dataset, store, moving):
        module.register(app)
    register(app)
    try:
        app()
    except CtrError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("Stopped. Run the same command again: it goes on where it was.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        print(
            f"error: unexpected {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            file=sys.stderr,
        )
        print(f"This is a defect. Details: {_keep_details()}", file=sys.stderr)
        sys.exit(UNEXPECTED)


def _keep_details() -> Path:
    folder = Path(os.environ.get("CTR_HOME") or "var") / "errors"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    file.write_text(traceback.format_exc(), encoding="utf-8")
    return file
