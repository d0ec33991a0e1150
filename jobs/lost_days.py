"""Days that a step reads and that retention has removed: such a step can neither be compared nor run again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from conf.errors import NotReady
from jobs.inputs import sources
from jobs.landing.landed import ALWAYS
from jobs.store.kept_days import kept_since
from jobs.workspace import Workspace

RECORDS = ("landings", "quality", "decisions", "trainings", "promotions", "runs")
"""Tables that are kept for good: a few rows a night, which tell what was done."""


def first_kept(workspace: Workspace) -> dict[str, date]:
    """The first day that each table still holds of which retention has removed days."""
    found = {name: kept_since(workspace.store, name) for name in workspace.store.specs if name not in RECORDS}
    return {name: since for name, since in found.items() if since is not None}


def lost(workspace: Workspace, step: str, night: date, kept: Mapping[str, date]) -> str:
    """Words for what a step of a night reads and retention has removed; empty where there is nothing."""
    for source in sources(workspace, step, night) if kept else ():
        since = kept.get(source.table)
        if since is not None and ALWAYS < source.first < since:
            return f"it reads {source.table} from {source.first} on, and what lies before {since} was removed"
    return ""


def require_not_lost(workspace: Workspace, step: str, night: date) -> None:
    """Refuse to run a step that would take removed days for days on which nothing happened.

    Raises:
        NotReady: retention has removed what it reads.
    """
    words = lost(workspace, step, night, first_kept(workspace))
    if words:
        raise NotReady(
            f"{step} of {night} cannot run again: {words} (maintenance.keep_days). Replay the landing files into an "
            "empty home to have those days again; nothing was changed."
        )
