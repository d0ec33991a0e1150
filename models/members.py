"""The fits that kinds of model are made of: each is made once, when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, assert_never

import numpy as np

from models.batches import Batches, all_labels
from models.boosted import BoostedModel, fit_boosted
from models.columns import FeatureColumns
from models.constant import ConstantModel, RowCountEncoder, fit_constant
from models.downsampling import DownsampledBatches
from models.encoders import Encoder, HashingEncoder, MatrixEncoder
from models.logistic import LogisticModel, fit_logistic
from models.mix import MixModel, PairEncoder, best_weight
from models.settings import ModelKind, ModelSettings


class Estimator(Protocol):
    """Probabilities from encoded rows, before sampling correction and calibration."""

    def predict(self, encoded: Any) -> np.ndarray:
        """Probabilities as float64, shape (rows,)."""
        ...

    def save(self, folder: Path) -> None:
        """Writes the state into the folder."""
        ...


@dataclass(frozen=True)
class Members:
    """Fits on `train`, both it and `validation` given whole; `sampling_rate` is the share of non-clicks learned from.

    `validation` rows stop the trees and weigh the mix. Members that are fitted again on more rows have none left: they
    take rounds and weight from those fitted `before`.
    """

    settings: ModelSettings
    columns: FeatureColumns
    train: Batches
    validation: Batches | None
    sampling_rate: float = 1.0
    before: Members | None = None

    def fitted(self, kind: ModelKind) -> tuple[Encoder, Estimator]:
        """The encoder and estimator of a kind."""
        match kind:
            case "constant":
                return RowCountEncoder(self.columns), self.constant
            case "logistic_regression":
                return self.linear
            case "xgboost":
                return self.trees
            case "mix":
                (linear_encoder, linear), (tree_encoder, trees) = self.linear, self.trees
                return PairEncoder(linear_encoder, tree_encoder), MixModel(linear, trees, self.tree_weight)
            case _:
                assert_never(kind)

    @cached_property
    def constant(self) -> ConstantModel:
        """The click rate; counting needs no sample."""
        return fit_constant(self.train, self.settings.constant)

    @cached_property
    def linear(self) -> tuple[HashingEncoder, LogisticModel]:
        """The linear model."""
        encoder = HashingEncoder.fit(self._sampled, self.columns, self.settings.hashing)
        return encoder, fit_logistic(self._sampled, encoder, self.settings.logistic)

    @cached_property
    def trees(self) -> tuple[MatrixEncoder, BoostedModel]:
        """The trees."""
        encoder = MatrixEncoder.fit(self._sampled, self.columns, self.settings.matrix)
        boosted = self.settings.boosted
        if self.before is not None:
            rounds = max(1, round(self.before.trees[1].rounds * self.settings.refit_rounds))
            boosted = replace(boosted, max_rounds=rounds)
        return encoder, fit_boosted(self._sampled, self._stopping, encoder, boosted)

    @cached_property
    def tree_weight(self) -> float:
        """The weight of the trees in a mix."""
        if self.before is not None:
            return self.before.tree_weight
        (linear_encoder, linear), (tree_encoder, trees) = self.linear, self.trees
        rows = self._stopping or ()
        first = joined([linear.predict(linear_encoder.encode(batch)) for batch in rows])
        second = joined([trees.predict(tree_encoder.encode(batch)) for batch in rows])
        return best_weight(first, second, all_labels(rows))

    @property
    def _sampled(self) -> Batches:
        return DownsampledBatches(self.train, self.sampling_rate)

    @property
    def _stopping(self) -> Batches | None:
        # Early stopping compares log loss, so it has to see clicks as often as the trees did.
        return None if self.validation is None else DownsampledBatches(self.validation, self.sampling_rate)


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Several batches' values as one array."""
    return np.concatenate(parts) if parts else np.empty(0)
