"""What a person sees of an examination and of a repair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from jobs.doctor import Finding, days_told
from jobs.store.addresses import readable
from jobs.terminal import Console
from jobs.workspace import Workspace

MARKS = {"wrong": "[red]wrong[/]", "note": "[yellow]note[/] "}


def show_findings(found: Sequence[Finding], workspace: Workspace, console: Console | None = None) -> None:
    """Findings, what to do about each, and the damaged days by table."""
    console = console or Console(highlight=False)
    wrong = sum(one.severity == "wrong" for one in found)
    for one in found:
        day = f" {one.day}" if one.day else ""
        console.print(f"{MARKS[one.severity]} [bold]{escape(one.place)}[/]{day}: {escape(one.told)}")
        if one.file:
            console.print(f"      {escape(shown(one.file, workspace))}", soft_wrap=True)
        console.print(f"      {escape(one.advice)}")
    for table, days in days_told(found).items():
        console.print(f"To be rebuilt: {table} of {', '.join(days)}")
    console.print(f"{wrong} wrong." if wrong else "Nothing is wrong.")


def shown(file: str, workspace: Workspace) -> str:
    """A file's path, from the home on where it lies in it."""
    return readable(file).removeprefix(f"{workspace.home.path}/")


def show_repair(done: dict[str, Any], console: Console | None = None) -> None:
    """What a repair did, or would do."""
    console = console or Console(highlight=False)
    for line in done["actions"]:
        console.print(f"{'would ' if done['dry_run'] else ''}{escape(line)}")
    for line in done["left"]:
        console.print(f"[red]left[/] {escape(line)}")
    if not done["actions"] and not done["left"]:
        console.print("Nothing is to be repaired.")
