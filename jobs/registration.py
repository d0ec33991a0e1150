"""Registration: a challenger becomes a version, and champion where the gate and the request let it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from jobs.champion import ModelVersion, keep_version
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from jobs.train import Trained, TrainingRequest
    from models.split import TimeSplit
    from validation.promotion import Verdict

BY_GATE = "promotion gate"
PARTS = ("train", "validation", "holdout")


def register_challenger(
    workspace: Workspace,
    request: TrainingRequest,
    challenger: Trained,
    trained: Sequence[Trained],
    verdict: Verdict,
    champion: ModelVersion | None,
    split: TimeSplit,
) -> dict[str, Any]:
    """Register the challenger, promote it where the gate and the request let it, and write both down."""
    from pyiceberg.expressions import EqualTo, GreaterThan

    from jobs.tracking import CHALLENGER, CHAMPION, PREVIOUS, register, set_aliases

    promoted = verdict.promote and request.promote
    snapshot = workspace.store.snapshot("training_examples")
    tags = {
        "model": challenger.kind,
        "night": str(request.night),
        "trigger": request.trigger,
        "promoted": str(promoted),
        "training_examples_snapshot": str(snapshot),
    }
    version = register(workspace, challenger.address, tags)
    keep_version(workspace, version, challenger.folder)
    row = {
        "dt": request.night,
        "request": request.digest,
        "model": challenger.kind,
        "version": version,
        "promoted": promoted,
        "trigger": request.trigger,
        "trained_on": (split.validation if challenger.bundle.settings.refit else split.train)[-1],
        "ne": challenger.metrics.get("holdout_ne"),
        "verdict": json.dumps(verdict.to_dict(), default=str),
        "metrics": json.dumps({model.kind: model.metrics for model in trained}),
        "split": json.dumps({part: [str(day) for day in getattr(split, part)] for part in PARTS}),
        "snapshot": snapshot,
    }
    workspace.store.replace_rows("trainings", EqualTo("dt", request.night), [row])
    if promoted:
        promotion = {
            "dt": request.night,
            "model": challenger.kind,
            "version": version,
            "previous": champion.version if champion else None,
            "by": BY_GATE,
            "reason": request.trigger,
        }
        workspace.store.replace_rows("promotions", EqualTo("dt", request.night), [promotion])
        replaced = {PREVIOUS: champion.version} if champion else {}
        if not workspace.store.days("promotions", GreaterThan("dt", request.night)):  # else the past was run again
            set_aliases(workspace, {CHAMPION: version} | replaced)
    else:
        set_aliases(workspace, {CHALLENGER: version})
    return row


def forget_training(workspace: Workspace, night: date) -> None:
    """Take back a night's training and promotion, so that the night can decide anew. Its version stays registered."""
    from pyiceberg.expressions import EqualTo

    for table in ("promotions", "trainings"):
        workspace.store.replace_rows(table, EqualTo("dt", night), [])
