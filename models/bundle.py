"""A model that can be stored and used anywhere: encoder, estimator, sampling correction and calibrator in one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from conf.errors import StoreError
from models.batches import Batches, JoinedBatches, all_labels, batches_of, labels_of, weights_of
from models.boosted import BoostedModel, FitTrees, fit_boosted
from models.bundle_files import read_json, verified_manifest, write_json, write_manifest
from models.calibration import Calibrator, IdentityCalibrator, calibrator_from_json, calibrator_of_sample
from models.columns import FeatureColumns
from models.constant import ConstantModel, RowCountEncoder
from models.downsampling import corrected_for_sampling
from models.encoders import Encoder, HashingEncoder, MatrixEncoder
from models.logistic import LogisticModel
from models.members import Estimator, Members, joined, members_that_forget
from models.metrics import auc, normalised_entropy
from models.mix import MixModel, PairEncoder
from models.probability import clipped
from models.settings import ModelKind, ModelSettings

__all__ = ["ModelBundle", "ModelKind", "ModelSettings", "load_bundle", "train_bundle", "train_bundles"]

BUNDLE_FORMAT, READ_FORMATS = 2, (1, 2)
"""Format 2 says what the matrix encoder puts for a missing value."""


@dataclass(frozen=True)
class ModelBundle:
    """Everything between a row of features and its p(click).

    `summary` holds figures of the training: `validation_rows`, `validation_ne`, `validation_auc` (of uncalibrated
    predictions before a refit), and what the validation rows chose: `half_life_days`, `rounds` where there are trees,
    `tree_weight` in a mix.
    """

    kind: ModelKind
    encoder: Encoder
    estimator: Estimator
    calibrator: Calibrator
    sampling_rate: float
    columns: FeatureColumns
    settings: ModelSettings
    summary: Mapping[str, float] = field(default_factory=dict)

    def predict(self, rows: pa.RecordBatch | pa.Table) -> np.ndarray:
        """p(click) of each row, float64 in [1e-6, 1 - 1e-6]. A missing column raises StoreError naming it."""
        parts = [clipped(self.calibrator.apply(self.uncalibrated(batch))) for batch in batches_of(rows)]
        return joined(parts)

    def uncalibrated(self, batch: pa.RecordBatch) -> np.ndarray:
        """p(click) before calibration, corrected for sampling."""
        return corrected_for_sampling(self.estimator.predict(self.encoder.encode(batch)), self.sampling_rate)

    def feature_gains(self) -> dict[str, float]:
        """The trees' total loss reduction by feature, largest first; empty for models without trees."""
        trees = self.estimator.trees if isinstance(self.estimator, MixModel) else self.estimator
        return trees.gains() if isinstance(trees, BoostedModel) else {}

    def save(self, folder: Path) -> str:
        """Writes the bundle into a new or empty folder. Returns the SHA-256 of its manifest, for `load_bundle`."""
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise StoreError(f"{folder} is not empty: save each bundle into a folder of its own.")
        write_json(folder / "encoder.json", self.encoder.to_json())
        write_json(folder / "calibrator.json", self.calibrator.to_json())
        self.estimator.save(folder)
        return write_manifest(
            folder,
            {
                "format": BUNDLE_FORMAT,
                "kind": self.kind,
                "columns": self.columns.to_json(),
                "sampling_rate": self.sampling_rate,
                "settings": self.settings.to_json(),
                "summary": dict(self.summary),
            },
        )


def load_bundle(folder: Path, expected_digest: str | None = None, threads: int = 0) -> ModelBundle:
    """The bundle that `save` wrote. A missing or changed file raises StoreError naming it. Runs no code from it.

    `threads`: how many one call of `predict` uses, 0 meaning all cores.
    """
    manifest = verified_manifest(folder, expected_digest)
    if manifest.get("format") not in READ_FORMATS:
        raise StoreError(f"{folder} has bundle format {manifest.get('format')}, this version reads {READ_FORMATS}.")
    try:
        return _read(folder, manifest, threads)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:  # XGBoost's own error is a ValueError
        raise StoreError(f"{folder} holds no model that can be read ({error}): load another version.") from error


def _read(folder: Path, manifest: Mapping[str, Any], threads: int) -> ModelBundle:
    encoder, estimator = _parts(manifest["kind"], read_json(folder / "encoder.json"), folder, threads)
    return ModelBundle(
        kind=manifest["kind"],
        encoder=encoder,
        estimator=estimator,
        calibrator=calibrator_from_json(read_json(folder / "calibrator.json")),
        sampling_rate=manifest["sampling_rate"],
        columns=FeatureColumns.from_json(manifest["columns"]),
        settings=ModelSettings.from_saved(manifest["settings"]),
        summary=manifest["summary"],
    )


def _parts(kind: str, encoder_state: Mapping[str, Any], folder: Path, threads: int) -> tuple[Encoder, Estimator]:
    match kind:
        case "logistic_regression":
            return HashingEncoder.from_json(encoder_state), LogisticModel.load(folder)
        case "xgboost":
            return MatrixEncoder.from_json(encoder_state), BoostedModel.load(folder, threads)
        case "mix":
            return PairEncoder.from_json(encoder_state), MixModel.load(folder, threads)
        case "constant":
            return RowCountEncoder.from_json(encoder_state), ConstantModel.load(folder)
        case _:
            raise StoreError(f"{folder} holds a model of kind {kind!r}, which this version does not know.")


def train_bundle(
    kind: ModelKind,
    settings: ModelSettings,
    columns: FeatureColumns,
    train: Batches,
    validation: Batches,
    sampling_rate: float = 1.0,
) -> ModelBundle:
    """A model of one kind; see `train_bundles`."""
    [(_, bundle)] = train_bundles([kind], settings, columns, train, validation, sampling_rate)
    return bundle


def train_bundles(
    kinds: Sequence[ModelKind],
    settings: ModelSettings,
    columns: FeatureColumns,
    train: Batches,
    validation: Batches,
    sampling_rate: float = 1.0,
    fit_trees: FitTrees = fit_boosted,
) -> Iterator[tuple[ModelKind, ModelBundle]]:
    """A model of each kind, as it is done: learned from `train`, stopped, weighed and calibrated on `validation`.

    With `settings.refit` it then learns again from both, keeping what was chosen: the latest days tell most about the
    next one. Its calibrator is that of the first model, for no rows are left that the second has not seen. A mix takes
    its members from the other kinds where they have been fitted.

    Both are given whole: `sampling_rate` is the share of rows without a click that is learned from, and sampling
    happens here. The same rows and settings give the same bundle. `fit_trees` says where the trees are fitted. Raises
    NotReady where there is nothing to learn from.
    """
    labels = all_labels(validation)
    chosen = Members(settings, columns, train, validation, sampling_rate, fit_trees=fit_trees)
    if set(kinds) != {"constant"}:
        chosen = members_that_forget(chosen)
    final = chosen
    if settings.refit and len(labels):
        final = replace(chosen, train=JoinedBatches((train, validation)), validation=None, before=chosen)
    for kind in kinds:
        rate = 1.0 if kind == "constant" else sampling_rate
        encoder, estimator = chosen.fitted(kind)
        raw = ModelBundle(kind, encoder, estimator, IdentityCalibrator(), rate, columns, settings)
        p = joined([raw.uncalibrated(batch) for batch in validation])
        summary = _chosen(estimator) | {"half_life_days": chosen.half_life_days} | _quality(p, labels)
        encoder, estimator = final.fitted(kind)
        fitted = replace(raw, encoder=encoder, estimator=estimator, summary=summary)
        learned = ((fitted.uncalibrated(batch), labels_of(batch), weights_of(batch)) for batch in final.sampled)
        yield kind, replace(fitted, calibrator=calibrator_of_sample(settings.calibration, p, labels, rate, learned))


def _quality(p: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    found = {
        "validation_rows": len(labels),
        "validation_ne": normalised_entropy(p, labels),
        "validation_auc": auc(p, labels),
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def _chosen(estimator: Estimator) -> dict[str, float]:
    """What the validation rows chose: the number of trees, and their weight in a mix."""
    if isinstance(estimator, MixModel):
        return {"rounds": float(estimator.trees.rounds), "tree_weight": estimator.tree_weight}
    return {"rounds": float(estimator.rounds)} if isinstance(estimator, BoostedModel) else {}
