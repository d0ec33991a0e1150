"""The command line `ctr`."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import typer

from conf.error_words import first_line
from conf.errors import CtrError
from conf.plain_text import visible
from conf.secret_values import known_secrets, without_secrets
from conf.settings import load_settings

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

LIBRARIES = {
    # Threads that wait give their core away: on a busy machine a training takes half the processor time.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Arrow's own allocator keeps what is freed: a training held a quarter more, and was not faster.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""What libraries read from the environment when they are imported; what is set there already counts."""


def main() -> None:
    """Run the command line. Errors end with a message that says what to do, and with an exit code that means something:
    1 general, 2 settings, 3 landing files, 4 feed blocked, 5 tables or models, 6 not ready yet, 70 a defect of ours.
    """
    os.umask(os.umask(0o022) | 0o022)  # whatever the caller lets through, nobody but the owner writes our files
    # Read by the libraries at import: nothing phones home.
    os.environ.update(DO_NOT_TRACK="true", GX_ANALYTICS_ENABLED="false", MLFLOW_DISABLE_TELEMETRY="true")
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    from jobs.cli import dataset, health, models, moving, nights, reading, steps, store, studies
    from jobs.cli.failures import in_words
    from jobs.services.commands import register
    from jobs.store.servers import failure_of_a_server
    from jobs.workspace import Home

    for module in (steps, nights, models, reading, studies, dataset, store, moving, health):
        module.register(app)
    register(app)
    try:
        app()
    except CtrError as error:
        complain(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("Stopped. Run the same command again: it goes on where it was.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        home = Home.at()
        if failure := failure_of_a_server(error) or in_words(error, home.path):
            complain(f"error: {failure}")
            sys.exit(failure.exit_code)
        complain(f"error: unexpected {type(error).__name__}: {first_line(error) if str(error) else ''}")
        complain(f"This is a defect. Details: {_keep_details(home.errors)}")
        sys.exit(UNEXPECTED)


def complain(text: str) -> None:
    """Say what went wrong, without secrets. Lines after the first are set in, so that no value in a message makes a
    line of its own."""
    print(visible(without_secrets(text, _secrets())).replace("\n", "\n  "), file=sys.stderr)


def _secrets() -> frozenset[str]:
    """What must not be told, from the environment and, where they can be read, the settings."""
    content = None
    with suppress(CtrError):
        content = load_settings().model_dump(mode="json")
    return known_secrets(os.environ, content)


def _keep_details(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    file.write_text(without_secrets(traceback.format_exc(), _secrets()), encoding="utf-8")
    return file
