"""The health of a home: `ctr doctor` and `ctr repair`."""

from __future__ import annotations

from typing import Annotated

import typer

from conf.errors import StoreError
from jobs.cli.options import AsJson, print_json, with_workspace
from jobs.workspace import Workspace

Deep = Annotated[bool, typer.Option(help="Read every file of the tables whole, against its SHA-256")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("doctor", epilog="Example: `ctr doctor --deep`")(doctor)
    app.command("repair", epilog="Example: `ctr repair --dry-run`, then `ctr repair`")(repair)


@with_workspace
def doctor(workspace: Workspace, deep: Deep = False, json: AsJson = False) -> None:
    """Whether catalog, tables, models and disk are sound; what is wrong, and what to do. Changes nothing."""
    from jobs.doctor import examined
    from jobs.doctor_display import show_findings

    found = examined(workspace, deep=deep)
    wrong = [one for one in found if one.severity == "wrong"]
    if json:
        print_json({"sound": not wrong, "findings": [one.to_dict() for one in found]})
    else:
        show_findings(found, workspace)
    if wrong:
        raise typer.Exit(StoreError.exit_code)


@with_workspace
def repair(
    workspace: Workspace,
    deep: Deep = False,
    dry_run: Annotated[bool, typer.Option(help="Tell what would be done, and do nothing")] = False,
    json: AsJson = False,
) -> None:
    """Rebuild what `ctr doctor` finds wrong, from the landing files. Run it while no night runs."""
    from jobs.doctor_display import show_repair
    from jobs.repair import repair as run

    done = run(workspace, deep=deep, dry_run=dry_run)
    if json:
        print_json(done)
    else:
        show_repair(done)
    if done["left"]:
        raise typer.Exit(StoreError.exit_code)
