"""Registration: a challenger becomes a version, and champion where the gate and the request let it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.champion import ModelVersion, champion_as_of, keep_version, unpacked
from jobs.inputs import digest_of, inputs
from jobs.model_record import PARTS, RECORD, ModelRecord
from jobs.promotions import BY_GATE, BY_PERSON, Change, changes, latest_landed, now, record_change, remove_promotions
from jobs.trainings import asked_for_by, decided_by_night, ended_trainings, every_training, keep_training, withdraw
from jobs.workspace import Workspace

SAME = ("night", "request", "inputs", "code_version")
"""The tags by which two trainings are known to come to the same model."""

if TYPE_CHECKING:
    from jobs.tracking import Logged
    from jobs.train import Trained, TrainingRequest
    from models.split import TimeSplit
    from validation.verdict import Verdict


def register_challenger(
    workspace: Workspace,
    request: TrainingRequest,
    challenger: Trained,
    trained: Sequence[Trained],
    verdict: Verdict,
    champion: ModelVersion | None,
    split: TimeSplit,
    record: ModelRecord,
) -> dict[str, Any]:
    """Log what was trained, register the challenger, promote it where the gate and the request let it.

    Raises:
        StoreError: MLflow cannot be reached; nothing has been registered.
    """
    from models.bundle_files import manifest_digest

    promoted = verdict.promote and _may_promote(workspace, request)
    record.write(challenger.folder / RECORD)
    tags = _tags(workspace, request, record, promoted)
    version, folder = _registered(workspace, request, challenger, trained, split, record, tags)
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
        "snapshot": record.snapshot,
        "approval": request.approval,
        "withdrawn": False,
        "bundle": manifest_digest(folder / "bundle"),
        "removed": False,
    }
    keep_training(workspace, row)
    if promoted:
        _promote(workspace, row, champion)
    return row


def _registered(
    workspace: Workspace,
    request: TrainingRequest,
    challenger: Trained,
    trained: Sequence[Trained],
    split: TimeSplit,
    record: ModelRecord,
    tags: Mapping[str, str],
) -> tuple[str, Path]:
    """The challenger's version and the folder of its files: a new one, or what this very training had left behind."""
    from jobs.tracking import reached, register

    with reached(workspace, "Nothing was registered; train again once MLflow answers."):
        version = _left_behind(workspace, tags)
        if version is not None:
            return version, unpacked(workspace, version)
        logged = {model.kind: _logged(workspace, request, model, record, split) for model in trained}
        version = register(workspace, logged[challenger.kind], tags)
        return version, keep_version(workspace, version, challenger.folder)


def _left_behind(workspace: Workspace, tags: Mapping[str, str]) -> str | None:
    """The version that this very training had registered before it was stopped, and that nothing came of.

    The same request of the same inputs and code leads to the same model; a second version of it would be one too many.
    """
    from jobs.tracking import latest_version

    latest = latest_version(workspace)
    if latest is None or any(latest[1].get(name) != tags[name] for name in SAME):
        return None
    version = latest[0]
    known = [row for row in every_training(workspace) if row["version"] == version]
    ended = version in ended_trainings(workspace)
    return version if not ended and all(row["withdrawn"] for row in known) else None


def _may_promote(workspace: Workspace, request: TrainingRequest) -> bool:
    """Whether the gate's word makes a challenger champion: it was asked to, and no later change would be undone by it.

    A night's own decision counts in the order of the nights whenever the night is run, so it undoes nothing.
    """
    overtaken = any(change.night > request.night for change in changes(workspace))
    asked = request.promote and request.approval != BY_PERSON
    return asked and (decided_by_night({"trigger": request.trigger}) or not overtaken)


def finish_promotion(workspace: Workspace, row: Mapping[str, Any]) -> None:
    """Promote what a training was to promote when it was stopped; nothing to do where it came to that."""
    if row["promoted"] and not any(one.version == row["version"] for one in changes(workspace)):
        _promote(workspace, row, champion_as_of(workspace, row["dt"]))


def _promote(workspace: Workspace, row: Mapping[str, Any], champion: ModelVersion | None) -> None:
    """The gate's own change. What a night's decision led to counts whenever the night is run; what a person or the
    weekly schedule asked for leaves the days alone that had been served by then."""
    change = Change(
        night=row["dt"],
        model=row["model"],
        version=row["version"],
        previous=champion.version if champion else None,
        by=BY_GATE,
        reason=row["trigger"],
        at=now(),
        served=None if decided_by_night(row) else latest_landed(workspace),
    )
    record_change(workspace, change)


def _logged(
    workspace: Workspace, request: TrainingRequest, model: Trained, record: ModelRecord, split: TimeSplit
) -> Logged:
    """One of the trained models as a run of MLflow; the challenger's holds the record too."""
    from jobs.tracking import log_run

    parameters = {
        "model": model.kind,
        "train_days": f"{split.train[0]} to {split.train[-1]}",
        "validation_days": " ".join(str(day) for day in split.validation),
        "holdout_days": " ".join(str(day) for day in split.holdout),
        "sampling_rate": model.bundle.sampling_rate,
        "features": len(record.feature_names),
        "seed": workspace.settings.training.seed,
    }
    tags = {
        "night": str(request.night),
        "trigger": request.trigger,
        "dataset": workspace.dataset.name,
        "training_examples_snapshot": str(record.snapshot),
        "code_version": record.code_version,
    }
    files = {"bundle": model.folder / "bundle", "reference": model.folder / "reference.parquet"}
    record_file = model.folder / RECORD
    is_challenger = record_file.exists()
    return log_run(
        workspace,
        f"{model.kind} {request.night}",
        files=files | ({"record": record_file} if is_challenger else {}),
        beside=[record_file] if is_challenger else [],
        parameters=parameters,
        metrics=model.metrics,
        tags=tags,
    )


def _tags(workspace: Workspace, request: TrainingRequest, record: ModelRecord, promoted: bool) -> dict[str, str]:
    """What the version itself says on MLflow's pages; the record among its artifacts has it whole."""
    tags = {
        "model": record.model,
        "night": str(request.night),
        "trigger": request.trigger,
        "promoted": str(promoted),
        "gate": "passed" if record.verdict["promote"] else "failed",
        "approval": request.approval,
        "training_examples_snapshot": str(record.snapshot),
        "sampling_rate": f"{record.sampling_rate:g}",
        "features": str(len(record.feature_names)),
        "code_version": record.code_version,
        "request": request.digest,
        "inputs": digest_of(inputs(workspace, "train", request.night)),
    }
    return tags | {f"{part}_days": " ".join(days) for part, days in record.split.items()}


def forget_training(workspace: Workspace, night: date) -> None:
    """Take back what a night's decision had trained and promoted, so that the night can decide anew.

    Versions stay registered and their trainings stay on record, as withdrawn; what a person did stays as it is.
    """
    # The promotions first: by the trainings that still count, whoever is stopped in between finds them again.
    remove_promotions(workspace, night, asked_for_by(workspace, night))
    withdraw(workspace, night)
