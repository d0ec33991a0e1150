"""A home as one archive: `ctr export` and `ctr import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli import options
from jobs.cli.options import AsJson, with_workspace
from jobs.workspace import Home, Workspace

Archive = Annotated[Path, typer.Argument(help="The archive, a tar file")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("export", epilog="Example: `ctr export home.tar`")(export)
    app.command("import", epilog="Example: `ctr import home.tar --home elsewhere --data landing`")(import_)


@with_workspace
def export(
    workspace: Workspace,
    path: Archive,
    landing: Annotated[bool, typer.Option(help="Landing files that lie in the home go along")] = False,
    json: AsJson = False,
) -> None:
    """Put the home into one archive: tables with their snapshots, MLflow, models, promotions, settings and reports.

    No secrets, and nothing of Airflow. Run it while no night runs.
    """
    from jobs.cli.steps import print_or_tell
    from jobs.moving.export import export_home

    print_or_tell(export_home(workspace, path, landing=landing), json)


def import_(
    path: Archive,
    home: options.Home = None,
    data: options.Data = None,
    digest: Annotated[str, typer.Option(help="What `ctr export` told: refuses any other archive")] = "",
    json: AsJson = False,
) -> None:
    """Make a home of an archive, at any place. All of it, or nothing; a home that is there is never touched."""
    from jobs.cli.steps import print_or_tell
    from jobs.moving.importing import import_home

    place = Home.at(home)
    print_or_tell(import_home(path, place, data=data, digest=digest), json)
