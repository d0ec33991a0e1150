"""Options that every command shares, and the workspace they open."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from conf.plain_text import visible_json
from jobs.workspace import open_workspace, remember_source

COMMON = "Common options"
Home = Annotated[
    Path | None,
    typer.Option(envvar="CTR_HOME", help="Folder that holds all state. Default: var", rich_help_panel=COMMON),
]
Env = Annotated[
    str | None,
    typer.Option(envvar="CTR_ENV", help="Settings overlay: a name in conf/, or a YAML file", rich_help_panel=COMMON),
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        envvar="CTR_DATASET", help="Data set: a name in conf/datasets/, or a YAML file", rich_help_panel=COMMON
    ),
]
Data = Annotated[
    Path | None, typer.Option(envvar="CTR_DATA", help="Folder of the landing files", rich_help_panel=COMMON)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines")]
Day = Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The night's day, in the data set's zone")]


def with_workspace(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options in place of its first parameter, the workspace.

    The options go into the environment too, so that child processes see the same home and data set.
    """
    signature = inspect.signature(command, eval_str=True)
    _, *own = signature.parameters.values()
    common = {"home": Home, "env": Env, "dataset": DatasetName, "data": Data}
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in common.items()
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        home, env, dataset, data = (given.pop(name) for name in common)
        workspace = open_workspace(home, env, dataset, data)
        os.environ["CTR_HOME"] = str(workspace.home.path)
        chosen = {"CTR_ENV": env, "CTR_DATASET": dataset, "CTR_DATA": str(data.resolve()) if data else None}
        os.environ.update({name: value for name, value in chosen.items() if value})
        if dataset or data:
            remember_source(workspace, dataset)
        command(workspace, **given)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = signature.replace(parameters=[*parameters, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*parameters, *added)}
    return run


def as_date(day: datetime) -> date:
    """The calendar day of an option's value."""
    return day.date()


def print_json(content: Any) -> None:
    """One JSON value on one line: the last line of a command's output."""
    print(visible_json(json.dumps(content, default=str, ensure_ascii=False)), flush=True)
