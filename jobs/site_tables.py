"""What the pages of all nights and versions are made from, each table read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.evaluate import OVERALL
from jobs.model_list import ModelFacts, models_of
from jobs.promotions import Change, changes
from jobs.trainings import counted, every_training
from jobs.workspace import Workspace

SHOWN = ("dt", "state", "version", "slice", "impressions", "ctr", "ne", "calibration_ratio")
"""The columns of `quality` that pages of many nights show."""


@dataclass(frozen=True)
class SiteTables:
    """All versions and changes of the champion, the nights with a training that counts, and quality without slices."""

    models: Sequence[ModelFacts]
    changes: Sequence[Change]
    trained: frozenset[date]
    quality: Sequence[Mapping[str, Any]]


def site_tables(workspace: Workspace, since: date | None = None) -> SiteTables:
    """What the tables hold now, quality from a day on or of all days."""
    rows, made = every_training(workspace), changes(workspace)
    trained = frozenset(row["dt"] for row in counted(rows))
    return SiteTables(models_of(rows, made), made, trained, _overall_quality(workspace, since))


def _overall_quality(workspace: Workspace, since: date | None) -> list[dict[str, Any]]:
    import pyarrow.compute as pc
    from pyiceberg.expressions import GreaterThanOrEqual

    where = GreaterThanOrEqual("dt", since) if since else None
    quality = workspace.store.arrow("quality", where, columns=SHOWN)
    return quality.filter(pc.equal(quality["slice"], OVERALL)).to_pylist()
