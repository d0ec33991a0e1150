"""The fits that kinds of model are made of: each is made once, when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, assert_never

import numpy as np

from models.batches import NO_ROWS, Batches, all_labels
from models.boosted import BoostedModel, FitTrees, fit_boosted
from models.columns import FeatureColumns
from models.constant import ConstantModel, RowCountEncoder, fit_constant
from models.downsampling import DownsampledBatches, corrected_for_sampling
from models.encoders import Encoder, HashingEncoder, MatrixEncoder
from models.logistic import LogisticModel, fit_logistic
from models.metrics import row_losses
from models.mix import MixModel, PairEncoder, best_weight
from models.recency import RecencyWeighted, better_beyond_noise, latest_day
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
    take rounds and weight from those fitted `before`. Training rows weigh by their age before the day `latest`.
    `fit_trees` says where the trees are fitted.
    """

    settings: ModelSettings
    columns: FeatureColumns
    train: Batches
    validation: Batches | None
    sampling_rate: float = 1.0
    latest: date | None = None
    half_life_days: float = 0.0
    before: Members | None = None
    fit_trees: FitTrees = fit_boosted

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
        encoder = HashingEncoder.fit(self.sampled, self.columns, self.settings.hashing)
        return encoder, fit_logistic(self.sampled, encoder, self.settings.logistic)

    @cached_property
    def trees(self) -> tuple[MatrixEncoder, BoostedModel]:
        """The trees."""
        encoder = MatrixEncoder.fit(self.sampled, self.columns, self.settings.matrix)
        boosted = self.settings.boosted
        if self.before is not None:
            rounds = max(1, round(self.before.trees[1].rounds * self.settings.refit_rounds))
            boosted = replace(boosted, max_rounds=rounds)
        return encoder, self.fit_trees(self.sampled, self._stopping, encoder, boosted)

    @cached_property
    def tree_weight(self) -> float:
        """The weight of the trees in a mix."""
        if self.before is not None:
            return self.before.tree_weight
        (linear_encoder, linear), (tree_encoder, trees) = self.linear, self.trees
        rows = self._stopping or NO_ROWS
        first = joined([linear.predict(linear_encoder.encode(batch)) for batch in rows])
        second = joined([trees.predict(tree_encoder.encode(batch)) for batch in rows])
        return best_weight(first, second, all_labels(rows))

    @cached_property
    def linear_losses(self) -> np.ndarray:
        """The linear model's log loss on each validation row, corrected for sampling. Shape (rows,)."""
        encoder, linear = self.linear
        rows = self.validation or NO_ROWS
        p = joined([linear.predict(encoder.encode(batch)) for batch in rows])
        return row_losses(corrected_for_sampling(p, self.sampling_rate), all_labels(rows))

    @property
    def sampled(self) -> Batches:
        """The rows that are learned from, with their weights."""
        sampled = DownsampledBatches(self.train, self.sampling_rate)
        return sampled if self.latest is None else RecencyWeighted(sampled, self.latest, self.half_life_days)

    @property
    def _stopping(self) -> Batches | None:
        # Early stopping compares log loss, so it has to see clicks as often as the trees did.
        return None if self.validation is None else DownsampledBatches(self.validation, self.sampling_rate)


def members_that_forget(members: Members) -> Members:
    """The members with that half-life of `settings.half_life_days` that predicts the validation rows best.

    The linear model is the quickest to fit, so it chooses for all. Half-lives are tried in order, and a later one has
    to beat the best before it by more than chance, for one day's rows hardly tell small differences.
    """
    latest = latest_day(members.validation or NO_ROWS)
    if latest is None:
        return members
    first, *others = (
        replace(members, latest=latest, half_life_days=half_life) for half_life in members.settings.half_life_days
    )
    best, losses = first, None
    for other in others:
        losses = best.linear_losses if losses is None else losses
        if better_beyond_noise(other.linear_losses, than=losses):
            best, losses = other, other.linear_losses
    return best


def joined(parts: list[np.ndarray]) -> np.ndarray:
    """Several batches' values as one array."""
    return np.concatenate(parts) if parts else np.empty(0)
