"""Descriptions of data sets: `ctr dataset check` and `ctr dataset init`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from conf.errors import SettingsError
from jobs.cli.options import AsJson, print_json
from jobs.terminal import say

NOT_USABLE = 2
DataFolder = Annotated[Path, typer.Option("--data", envvar="CTR_DATA", help="Folder of the landing files")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(
        name="dataset", help="Bring your own log: draft its description, check it.", no_args_is_help=True
    )
    group.command("check", epilog="Example: `ctr dataset check shop.yaml --data logs/`")(check)
    group.command("init", epilog="Example: `ctr dataset init --data logs/ --output shop.yaml`")(init)
    app.add_typer(group)


def check(
    file: Annotated[str, typer.Argument(help="Description: a YAML file, or a name in conf/datasets/")],
    data: DataFolder,
    json: AsJson = False,
) -> None:
    """Read a sample of the files and say what is understood, what is wrong and what looks suspicious.

    Ends with 0 if the description can be used, with 2 if not.
    """
    from conf.dataset import load_dataset
    from conf.settings import load_settings
    from jobs.description.check import check as checked
    from jobs.description.show import show_check
    from jobs.store.engine import session

    dataset = load_dataset(file)
    report = checked(dataset, existing(data), session(load_settings().engine))
    if json:
        print_json(report.to_dict())
    else:
        show_check(report)
    if not report.usable:
        raise typer.Exit(NOT_USABLE)


def init(
    data: DataFolder,
    name: Annotated[str, typer.Option(help="Name of the data set; default: the folder's")] = "",
    output: Annotated[Path | None, typer.Option(help="File to write; default: NAME.yaml here")] = None,
    force: Annotated[bool, typer.Option(help="Write over a file that is there")] = False,
) -> None:
    """Draft a description from the files alone. Its comments say what was guessed, why, and what to check."""
    from jobs.description.draft import drafted

    chosen = name or _name_of(existing(data).resolve().name)
    target = output or Path(f"{chosen}.yaml")
    if target.exists() and not force:
        raise SettingsError(f"{target} is there already. Give another --output, or --force to write over it.")
    target.write_text(drafted(data, chosen), encoding="utf-8")
    say(f"{target} is drafted: read its comments, then\n  ctr dataset check {target} --data {data}")


def existing(data: Path) -> Path:
    """The data folder, if it is there.

    Raises:
        SettingsError: there is no such folder.
    """
    if not data.is_dir():
        raise SettingsError(f"--data {data}: there is no such folder.")
    return data


def _name_of(folder: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", folder.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"log_{plain}")[:40]
