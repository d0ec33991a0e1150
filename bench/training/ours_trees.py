"""XGBoost as the pipeline trains it: read, encoded and binned batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from bench.training.rows import columns, told
from models.batches import ParquetBatches, all_labels, training_columns
from models.boosted import fit_boosted
from models.matrix_encoder import MatrixEncoder


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports XGBoost; the work reads the files, trains, and predicts the holdout day."""
    import_module("xgboost")

    named = columns()

    def work() -> dict[str, Any]:
        train, validation, holdout = (
            ParquetBatches(task[part], training_columns(named)) for part in ("train", "validation", "holdout")
        )
        encoder = MatrixEncoder.fit(train, named)
        model = fit_boosted(train, validation, encoder)
        p = np.concatenate([model.predict(encoder.encode(batch)) for batch in holdout])
        return told(p, all_labels(holdout), model.rounds)

    return work
