"""Ingest: a night's landing files to impressions, clicks, attributes and candidates; what cannot be used to quarantine.

Everything is read and checked before anything is published, so a night that stops here leaves the tables as they were.
"""

from __future__ import annotations

from datetime import date

from jobs.feed_gate import check_night
from jobs.landing.kinds import read_landing
from jobs.publish import publish
from jobs.step import StepResult, scratch_folder
from jobs.workspace import Workspace


def ingest(workspace: Workspace, night: date) -> StepResult:
    """Take in one night's landing files.

    Raises:
        LandingError: there is no impression file for the night, or a file cannot be read.
        FeedBlocked: the data gate found the feed broken.
    """
    with scratch_folder(workspace.home, "ingest") as scratch:
        landed = read_landing(workspace, night, scratch)
        check_night(workspace, night, landed["impressions"], landed.get("clicks"))
        rows = publish(workspace, night, landed)
    balance = {name: kind.counts for name, kind in landed.items()}
    return StepResult("ingest", night, rows, {"balance": balance})
