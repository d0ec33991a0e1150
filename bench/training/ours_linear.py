"""The linear model as the pipeline trains it: hashed batch by batch, solved in blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from bench.training.rows import columns, told
from models.batches import ParquetBatches, all_labels, training_columns
from models.hashing_encoder import HashingEncoder
from models.logistic import fit_logistic


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports scikit-learn; the work reads the files, trains, and predicts the holdout day."""
    import_module("sklearn.linear_model")

    named = columns()

    def work() -> dict[str, Any]:
        train, holdout = (ParquetBatches(task[part], training_columns(named)) for part in ("train", "holdout"))
        encoder = HashingEncoder.fit(train, named)
        model = fit_logistic(train, encoder)
        p = np.concatenate([model.predict(encoder.encode(batch)) for batch in holdout])
        return told(p, all_labels(holdout))

    return work
