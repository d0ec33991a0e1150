"""The record of a version: what it was made of, what the holdout and the gate said. Kept beside its bundle as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.code_version import code_version
from jobs.holdout import HoldoutFigures, holdout_figures
from jobs.training_data import evenly_sampled, rows_of_days
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from models.bundle import ModelBundle
    from models.split import TimeSplit
    from validation.verdict import Verdict

RECORD = "record.json"
PARTS = ("train", "validation", "holdout")
MOST_GAINS, MOST_WEIGHTS = 20, 20
SAMPLE_ROWS = 20_000
HIDDEN = ("user_id",)
"""Weights of single people say nothing to a reader, and their ids belong on no page."""


@dataclass(frozen=True)
class ModelRecord:
    """Everything that is known of a version when it is registered.

    `split` names the days of each part and `rows` how many examples they hold; `chosen` is what the validation days
    chose; `gains` are shares of the trees' total gain, `weights` effects on the log odds, both largest first.
    """

    model: str
    night: date
    trigger: str
    approval: str
    code_version: str
    snapshot: int | None
    sampling_rate: float
    split: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    features: Mapping[str, Any]
    settings: Mapping[str, Any]
    chosen: Mapping[str, float]
    gains: Mapping[str, float]
    weights: Mapping[str, float]
    holdout: HoldoutFigures
    verdict: Mapping[str, Any]

    def write(self, file: Path) -> None:
        """Write the record as JSON."""
        file.write_text(json.dumps(asdict(self), default=str, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> ModelRecord:
        """The record that `write` wrote."""
        content = json.loads(file.read_text(encoding="utf-8"))
        content["night"] = date.fromisoformat(content["night"])
        content["split"] = {part: tuple(days) for part, days in content["split"].items()}
        return cls(**{**content, "holdout": HoldoutFigures.from_dict(content["holdout"])})

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Every column that the model reads."""
        return tuple(name for kind in ("categorical", "numeric", "counts", "rates") for name in self.features[kind])


def made_record(
    workspace: Workspace,
    bundle: ModelBundle,
    split: TimeSplit,
    holdout: pa.Table,
    p: np.ndarray,
    verdict: Verdict,
    *,
    night: date,
    trigger: str,
    approval: str,
) -> ModelRecord:
    """The record of a challenger that the gate has judged; `p` are its predictions for the rows of `holdout`."""
    from models.weights import largest_weights

    gains = bundle.feature_gains()
    total = sum(gains.values()) or 1.0
    weights = largest_weights(bundle, evenly_sampled(holdout, SAMPLE_ROWS), MOST_WEIGHTS, HIDDEN)
    return ModelRecord(
        model=bundle.kind,
        night=night,
        trigger=trigger,
        approval=approval,
        code_version=code_version(),
        snapshot=workspace.store.snapshot("training_examples"),
        sampling_rate=bundle.sampling_rate,
        split={part: tuple(str(day) for day in getattr(split, part)) for part in PARTS},
        rows={part: rows_of_days(workspace, getattr(split, part)) for part in PARTS},
        features=bundle.columns.to_json(),
        settings=bundle.settings.to_json(),
        chosen=dict(bundle.summary),
        gains={name: gain / total for name, gain in list(gains.items())[:MOST_GAINS]},
        weights={weight.name: weight.effect for weight in weights},
        holdout=holdout_figures(workspace, holdout, p),
        verdict=verdict.to_dict(),
    )
