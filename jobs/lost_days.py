"""Days that a step reads and that retention has removed: such a step can neither be compared nor run again."""

from __future__ import annotations

from datetime import date

from conf.errors import NotReady
from jobs.inputs import sources
from jobs.landing.landed import ALWAYS
from jobs.store.kept_days import kept_since
from jobs.workspace import Workspace

RECORDS = ("landings", "quality", "decisions", "trainings", "promotions", "runs")
"""Tables that are kept for good: a few rows a night, which tell what was done."""


def lost(workspace: Workspace, step: str, night: date) -> str:
    """Words for what a step of a night reads and retention has removed; empty where there is nothing."""
    first_kept = {name: kept_since(workspace.store, name) for name in workspace.store.specs if name not in RECORDS}
    if not any(first_kept.values()):
        return ""
    for source in sources(workspace, step, night):
        since = first_kept.get(source.table)
        if since is not None and ALWAYS < source.first < since:
            return f"it reads {source.table} from {source.first} on, and what lies before {since} was removed"
    return ""


def require_not_lost(workspace: Workspace, step: str, night: date) -> None:
    """Refuse to run a step that would take removed days for days on which nothing happened.

    Raises:
        NotReady: retention has removed what it reads.
    """
    words = lost(workspace, step, night)
    if words:
        raise NotReady(
            f"{step} of {night} cannot run again: {words} (maintenance.keep_days). Replay the landing files into an "
            "empty home to have those days again; nothing was changed."
        )
