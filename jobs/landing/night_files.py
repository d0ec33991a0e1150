"""Which landing files a night takes in, given what other nights have taken."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta

from conf.landing import Files
from jobs.landing.discovery import LandingFile, files_for_night
from jobs.landing.landed import ALWAYS
from jobs.store.spans import between
from jobs.workspace import Workspace


def night_files(workspace: Workspace, files: Files, source: str, night: date) -> list[LandingFile]:
    """The files of one kind that the night takes in."""
    late_days = workspace.dataset.late_days
    taken = _taken_elsewhere(workspace, source, night)
    return files_for_night(workspace.data, files, night, late_days=late_days, taken=taken)


def _taken_elsewhere(workspace: Workspace, source: str, night: date) -> dict[date, set[str]]:
    """The other nights that have been ingested, among those that can take in the same files, and what they took."""
    reach = timedelta(days=workspace.dataset.late_days)
    taken: dict[date, set[str]] = {}
    for row in workspace.store.rows("landings", between(night - reach, night + reach)):
        names = taken.setdefault(row["dt"], set())
        if row["source"] == source:
            names.update(signature.rsplit(":", 2)[0] for signature in json.loads(row["files"]))
    taken.pop(night, None)
    return taken


def unchanged(workspace: Workspace, source: str, files: Sequence[LandingFile]) -> bool:
    """Whether an undated attribute file is the one already kept."""
    from pyiceberg.expressions import EqualTo

    kept = workspace.store.rows("landings", EqualTo("dt", ALWAYS))
    signatures = json.dumps([file.signature for file in files])
    return any(row["source"] == source and row["files"] == signatures for row in kept)
