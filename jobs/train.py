"""Train: challengers on mature days, the better one registered, and the champion replaced if the gate lets it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from conf.errors import FeedBlocked
from conf.settings import Approval
from jobs.champion import ModelVersion, champion_as_of, load_version
from jobs.executor_trees import fit_trees
from jobs.feature_list import model_columns
from jobs.feed_gate import blocked_feeds
from jobs.model_cards import card_path
from jobs.model_record import made_record
from jobs.promotions import waits_for_a_person
from jobs.registration import finish_promotion, register_challenger
from jobs.step import StepResult, scratch_folder
from jobs.training_data import (
    broken_days,
    click_rate,
    clusters_of,
    example_files,
    examples_table,
    mature_days,
    split_days,
    write_reference,
)
from jobs.trainings import trainings
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from models.batches import ParquetBatches
    from models.bundle import ModelBundle
    from models.settings import ModelKind, ModelSettings
    from models.split import TimeSplit
    from validation.verdict import Verdict


@dataclass(frozen=True)
class TrainingRequest:
    """What a training was asked for. The same request on the same night is answered once."""

    night: date
    models: tuple[str, ...]
    window_days: int
    promote: bool
    trigger: str
    approval: Approval = "gate"

    @property
    def digest(self) -> str:
        """Names the request, its trigger aside."""
        asked = json.dumps([self.night.isoformat(), self.models, self.window_days, self.promote, self.approval])
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Trained:
    """One trained model with its predictions and figures on the holdout days, and the folder of its files."""

    kind: str
    bundle: ModelBundle
    holdout: np.ndarray
    metrics: Mapping[str, float]
    folder: Path


def train(workspace: Workspace, request: TrainingRequest, *, again: bool = False) -> StepResult:
    """Train every asked-for kind of model on the days that are mature on the request's night.

    Raises:
        FeedBlocked: the night's input is broken.
        NotReady: too few mature days.
    """
    answered = None if again else _answered(workspace, request)
    if answered is not None:
        finish_promotion(workspace, answered)
        return _result(workspace, request, answered, {"repeated": True})
    require_sound_input(workspace, request.night)
    from models.bundle import train_bundles

    days = mature_days(workspace, request.night)
    split = split_days(workspace, days, request.window_days)
    champion = champion_as_of(workspace, request.night)
    with scratch_folder(workspace.home, "train") as scratch:
        holdout = examples_table(workspace, split.holdout)
        bundles = train_bundles(
            cast("tuple[ModelKind, ...]", request.models),
            model_settings(workspace),
            model_columns(workspace.dataset),
            *training_batches(workspace, split),
            workspace.settings.training.sampling_rate,
            fit_trees(workspace),
        )
        trained = [_trained(workspace, bundle, split, holdout, scratch / kind) for kind, bundle in bundles]
        challenger = min(trained, key=lambda model: model.bundle.summary["validation_ne"])
        verdict = judged(workspace, challenger, champion, holdout, split)
        record = made_record(
            workspace,
            challenger.bundle,
            split,
            holdout,
            challenger.holdout,
            verdict,
            night=request.night,
            trigger=request.trigger,
            approval=request.approval,
        )
        row = register_challenger(workspace, request, challenger, trained, verdict, champion, split, record)
    return _result(workspace, request, row, {})


def require_sound_input(workspace: Workspace, night: date) -> None:
    """Refuse to train on a night whose input was found broken: a person has to look at it first.

    Raises:
        FeedBlocked: with what was found.
    """
    from pyiceberg.expressions import EqualTo

    reasons = broken_days(workspace, EqualTo("dt", night)).get(night) or blocked_feeds(workspace).get(night)
    if reasons:
        raise FeedBlocked(f"Nothing is trained on {night}, whose input is broken:\n" + "\n".join(reasons))


def model_settings(workspace: Workspace) -> ModelSettings:
    """The models' settings, with seed, threads and device of the training settings."""
    from dataclasses import replace

    from models.settings import ModelSettings

    training = workspace.settings.training
    settings = ModelSettings.from_json(training.model)
    boosted = replace(settings.boosted, seed=training.seed, threads=training.threads, device=training.device)
    return replace(settings, boosted=boosted, logistic=replace(settings.logistic, seed=training.seed))


def training_batches(workspace: Workspace, split: TimeSplit) -> tuple[ParquetBatches, ParquetBatches]:
    """The rows of the training and of the validation days."""
    from models.batches import ParquetBatches, training_columns

    wanted = training_columns(model_columns(workspace.dataset))
    train, validation = (
        ParquetBatches(example_files(workspace, days), wanted) for days in (split.train, split.validation)
    )
    return train, validation


def _trained(workspace: Workspace, bundle: ModelBundle, split: TimeSplit, holdout: pa.Table, folder: Path) -> Trained:
    from models.metrics import evaluation

    bundle.save(folder / "bundle")
    p = bundle.predict(holdout)
    found = evaluation(p, holdout["clicked"].to_numpy())
    metrics = {f"holdout_{name}": value for name, value in vars(found).items() if value is not None}
    metrics |= dict(bundle.summary)
    write_reference(workspace, bundle, split, folder / "reference.parquet")
    return Trained(bundle.kind, bundle, p, metrics, folder)


def judged(
    workspace: Workspace, challenger: Trained, champion: ModelVersion | None, holdout: pa.Table, split: TimeSplit
) -> Verdict:
    """The promotion gate's verdict: both models on the same later, mature days."""
    import numpy as np
    import pandas as pd

    from features.evidence import slices_with_evidence
    from validation.promotion import judge
    from validation.verdict import PairedScores

    if champion is None:
        rate = click_rate(workspace, split.train)
        opponent, name = np.full(holdout.num_rows, rate), "the click rate of the training days"
    else:
        opponent, name = load_version(workspace, champion.version).predict(holdout), champion.label
    cluster = pd.factorize(clusters_of(holdout))[0]
    slices = slices_with_evidence(holdout, workspace.dataset)
    scores = PairedScores(holdout["clicked"].to_numpy(), challenger.holdout, opponent, cluster, slices)
    return judge(scores, workspace.settings.promotion, champion=name)


def _answered(workspace: Workspace, request: TrainingRequest) -> dict[str, Any] | None:
    from pyiceberg.expressions import EqualTo

    rows = trainings(workspace, EqualTo("dt", request.night))
    return next((row for row in rows[::-1] if row["request"] == request.digest), None)


def _result(
    workspace: Workspace, request: TrainingRequest, row: Mapping[str, Any], more: Mapping[str, Any]
) -> StepResult:
    verdict = json.loads(row["verdict"])
    reasons = [check["sentence"] for check in verdict["checks"]]
    detail = {
        "model": row["model"],
        "version": row["version"],
        "promoted": row["promoted"],
        "waits": waits_for_a_person(workspace, row),
        "card": card_path(workspace, row["version"]),
        "reasons": reasons,
        "ne": row["ne"],
    }
    return StepResult("train", request.night, {"trainings": 1}, {**detail, **more})
