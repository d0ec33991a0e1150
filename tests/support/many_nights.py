"""Many nights without running them: rows of decisions and quality, written through the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

from jobs.evaluate import FINAL, OVERALL
from jobs.monitor import EVIDENTLY_PAGE, stored
from jobs.workspace import Workspace
from monitoring.measures import ColumnDrift, DriftMeasures
from monitoring.signals import NightFacts
from monitoring.site import night_folder

FIRST = date(2026, 3, 1)
DRIFT = DriftMeasures((ColumnDrift("place", "categorical", 0.1, 0.2, False, 0.0, 0.0),), None, 0.1, 0.1, 100, 100)


def write_nights(workspace: Workspace, count: int) -> list[date]:
    """Calm nights from `FIRST` on, each with its quality and a stand-in for Evidently's page; returns the nights."""
    from pyiceberg.expressions import AlwaysTrue

    nights = [FIRST + timedelta(days=ahead) for ahead in range(count)]
    workspace.store.replace_rows("decisions", AlwaysTrue(), [_decision(night) for night in nights])
    workspace.store.replace_rows("quality", AlwaysTrue(), [_quality(night) for night in nights])
    _evidently_pages(workspace, nights)
    return nights


def _decision(night: date) -> dict[str, object]:
    facts = NightFacts(night, champion="mix v1", drift_share=0.0)
    return {
        "dt": night,
        "verdict": "ok",
        "cause": "none",
        "reasons": json.dumps(["Every measure lies within its limits."]),
        "facts": stored(asdict(facts)),
        "drift": stored(DRIFT.to_dict()),
    }


def _quality(night: date) -> dict[str, object]:
    figures = {"impressions": 1000, "clicks": 100, "ctr": 0.1, "ne": 0.9, "auc": 0.7, "log_loss": 0.3}
    who = {"dt": night, "state": FINAL, "model": "mix", "version": "1", "slice": OVERALL}
    return who | figures | {"calibration_ratio": 1.0, "ece": 0.0}


def _evidently_pages(workspace: Workspace, nights: Sequence[date]) -> None:
    for night in nights:
        folder = night_folder(workspace.reports, night)
        folder.mkdir(parents=True)
        (folder / EVIDENTLY_PAGE).write_text("<p>Evidently</p>")
