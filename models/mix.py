"""The weighted average of two models' log odds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import sparse
from scipy.optimize import minimize_scalar

from models.boosted import BoostedModel
from models.columns import FeatureColumns
from models.hashing_encoder import HashingEncoder
from models.logistic import LogisticModel
from models.matrix_encoder import MatrixEncoder
from models.metrics import log_loss
from models.probability import log_odds, probability

_FILE = "mix.json"


@dataclass(frozen=True)
class PairEncoder:
    """The rows as both members read them."""

    linear: HashingEncoder
    trees: MatrixEncoder

    @property
    def columns(self) -> FeatureColumns:
        """The columns that both members read."""
        return self.linear.columns

    def encode(self, batch: pa.RecordBatch) -> tuple[sparse.csr_matrix, np.ndarray]:
        """The linear model's matrix and the trees' matrix."""
        return self.linear.encode(batch), self.trees.encode(batch)

    def to_json(self) -> dict[str, Any]:
        """The state of both encoders."""
        return {"linear": self.linear.to_json(), "trees": self.trees.to_json()}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> PairEncoder:
        """The encoders that `to_json` described."""
        return cls(HashingEncoder.from_json(state["linear"]), MatrixEncoder.from_json(state["trees"]))


@dataclass(frozen=True)
class MixModel:
    """log odds = tree_weight * log odds of the trees + (1 - tree_weight) * log odds of the linear model."""

    linear: LogisticModel
    trees: BoostedModel
    tree_weight: float

    def predict(self, matrices: tuple[sparse.csr_matrix, np.ndarray]) -> np.ndarray:
        """Probabilities as float64, shape (rows,)."""
        linear_matrix, tree_matrix = matrices
        return mixed_probability(self.linear.predict(linear_matrix), self.trees.predict(tree_matrix), self.tree_weight)

    def save(self, folder: Path) -> None:
        """Writes both members and mix.json."""
        self.linear.save(folder)
        self.trees.save(folder)
        (folder / _FILE).write_text(json.dumps({"tree_weight": self.tree_weight}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> MixModel:
        """The model that `save` wrote, its trees predicting with so many threads, 0 meaning all cores."""
        state = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return cls(LogisticModel.load(folder), BoostedModel.load(folder, threads), state["tree_weight"])


def mixed_probability(first: np.ndarray, second: np.ndarray, second_weight: float) -> np.ndarray:
    """The probability whose log odds are the weighted average of both, float64."""
    return probability((1.0 - second_weight) * log_odds(first) + second_weight * log_odds(second))


def best_weight(first: np.ndarray, second: np.ndarray, y: np.ndarray) -> float:
    """The weight of `second` in 0..1 with the lowest log loss on `y`, to three decimals; one half without rows.

    The log loss is convex in the weight, so there is one minimum.
    """
    if not len(y):
        return 0.5
    found = minimize_scalar(
        lambda weight: log_loss(mixed_probability(first, second, weight), y), bounds=(0.0, 1.0), method="bounded"
    )
    return round(float(found.x), 3)
