"""The prior: every row gets the smoothed click rate of the training rows. What any model has to beat."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from models.batches import Batches, labels_of
from models.bounds import Rate, ZeroOrMore
from models.columns import FeatureColumns

_FILE = "constant.json"


@dataclass(frozen=True)
class ConstantSettings:
    """The prior counts as much as `prior_impressions` impressions with a click rate of `prior_ctr`."""

    prior_ctr: Rate = 0.01
    prior_impressions: ZeroOrMore = 100.0


@dataclass(frozen=True)
class RowCountEncoder:
    """Reads nothing of a row but that it is there."""

    columns: FeatureColumns = field(default_factory=FeatureColumns)

    def encode(self, batch: pa.RecordBatch) -> np.ndarray:
        """A matrix without columns, shape (rows, 0)."""
        return np.empty((batch.num_rows, 0), dtype=np.float32)

    def to_json(self) -> dict[str, Any]:
        """Nothing was fitted."""
        return {}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> RowCountEncoder:
        """The encoder; it has no state."""
        return cls()


@dataclass(frozen=True)
class ConstantModel:
    """One probability for all rows."""

    p_click: float

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """`p_click` for each row, float64."""
        return np.full(matrix.shape[0], self.p_click)

    def save(self, folder: Path) -> None:
        """Writes constant.json."""
        (folder / _FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ConstantModel:
        """The model that `save` wrote."""
        return cls(**json.loads((folder / _FILE).read_text(encoding="utf-8")))


def fit_constant(train: Batches, settings: ConstantSettings | None = None) -> ConstantModel:
    """(clicks + prior clicks) / (impressions + prior impressions); the prior alone where there are no rows."""
    settings = settings or ConstantSettings()
    clicks, impressions = 0.0, 0
    for batch in train:
        clicks += float(labels_of(batch).sum())
        impressions += batch.num_rows
    prior_clicks = settings.prior_ctr * settings.prior_impressions
    return ConstantModel((clicks + prior_clicks) / (impressions + settings.prior_impressions))
