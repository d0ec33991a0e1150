"""Reading the store: its tables and training sets, and what a replay would do."""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from conf.errors import SettingsError
from jobs.cli.options import AsJson, print_json, with_workspace
from jobs.workspace import Workspace

DAY = "%Y-%m-%d"
OnDay = Annotated[datetime | None, typer.Option("--date", formats=[DAY], help="Only this day")]
AtSnapshot = Annotated[int | None, typer.Option(help="Id of an earlier snapshot; default: the latest")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("tables", epilog="Example: `ctr tables --json`")(tables)
    app.command("show", epilog="Example: `ctr show predictions --date 2026-01-06 --limit 5`")(show)
    app.command("training-set", epilog="Example: `ctr training-set --version 2 --output rows.parquet`")(training_set)
    app.command("feast", epilog="Example: `ctr feast --output feast`, then `feast -c feast apply`")(feast)
    app.command("plan", epilog="Example: `ctr plan --start 2026-01-01 --end 2026-01-10`")(plan)


@with_workspace
def tables(workspace: Workspace, json: AsJson = False) -> None:
    """Every table: what one row of it is, how it is partitioned, and how much it holds."""
    from jobs.reading import tables as facts
    from jobs.store_display import show_tables

    found = facts(workspace)
    if json:
        print_json([table.to_dict() for table in found])
    else:
        show_tables(found)


@with_workspace
def show(
    workspace: Workspace,
    table: Annotated[str, typer.Argument(help="Name of a table, see `ctr tables`")],
    date: OnDay = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows to print")] = 10,
    columns: Annotated[str, typer.Option(help="Names of columns, with commas; default: all")] = "",
    snapshot: AtSnapshot = None,
    json: AsJson = False,
) -> None:
    """Rows of a table, of any day and at any snapshot."""
    from conf.notation import names_in
    from jobs.reading import rows
    from jobs.store_display import show_rows

    day = date.date() if date else None
    found = rows(workspace, table, day=day, columns=names_in(columns), limit=limit, snapshot=snapshot)
    if json:
        print_json(found.to_pylist())
    else:
        show_rows(found)


@with_workspace
def training_set(
    workspace: Workspace,
    version: Annotated[str, typer.Option(help="A registered version, see `ctr status`")] = "",
    snapshot: AtSnapshot = None,
    days: Annotated[str, typer.Option(help="With --snapshot: first and last day, as 2026-01-01..2026-01-07")] = "",
    output: Annotated[Path | None, typer.Option(help="Write the rows to this Parquet file")] = None,
    json: AsJson = False,
) -> None:
    """The rows that a version was trained, validated and judged on: how many, their digest, and the rows themselves."""
    from jobs import training_set as sets
    from jobs.store_display import show_training_set

    if bool(version) == bool(snapshot):
        raise SettingsError("Give either --version, or --snapshot with --days.")
    if version:
        wanted = sets.of_version(workspace, version)
    else:
        assert snapshot is not None
        wanted = sets.of_snapshot(workspace, snapshot, days_between(days))
    found = sets.measure(workspace, wanted)
    if output:
        sets.write(workspace, wanted, output)
    if json:
        print_json(found.to_dict() | ({"output": str(output)} if output else {}))
    else:
        show_training_set(found, output)


@with_workspace
def feast(
    workspace: Workspace,
    output: Annotated[Path, typer.Option(help="Folder of the Feast repository; made where it is missing")],
    json: AsJson = False,
) -> None:
    """Write a Feast repository over the feature tables, or bring one up to date. Using it needs the extra `feast`."""
    from jobs.cli.steps import print_or_tell
    from jobs.feast_repository import write_repository

    print_or_tell(dict(write_repository(workspace, output)), json)


def days_between(text: str) -> list[Day]:
    """The days of `2026-01-01..2026-01-07`, both included.

    Raises:
        SettingsError: it is written another way.
    """
    from jobs.night import nights_between

    try:
        first, last = (datetime.strptime(part, DAY).date() for part in text.split(".."))
    except ValueError as error:
        raise SettingsError(f"--days `{text}`: write it as 2026-01-01..2026-01-07.") from error
    return nights_between(first, last)


@with_workspace
def plan(
    workspace: Workspace,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First night")],
    end: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last night")],
    json: AsJson = False,
) -> None:
    """What `ctr replay` would do for each night, and why. Changes nothing."""
    from jobs.plan import plan as planned
    from jobs.store_display import show_plan

    if end < start:
        raise SettingsError(f"--end {end.date()} lies before --start {start.date()}.")
    found = planned(workspace, start.date(), end.date())
    if json:
        print_json([night.to_dict() for night in found])
    else:
        show_plan(found)
