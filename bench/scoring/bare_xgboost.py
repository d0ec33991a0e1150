"""XGBoost alone: `inplace_predict` on a matrix that lies in memory, encoded before the clock starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Reads and encodes all rows; the work predicts them."""
    import numpy as np
    import pyarrow.parquet as pq

    from models.boosted import BoostedModel
    from models.bundle import load_bundle

    bundle = load_bundle(Path(task["bundle"]))
    assert isinstance(bundle.estimator, BoostedModel)
    booster = bundle.estimator.booster
    parts = []
    for file in task["files"]:
        parts += [bundle.encoder.encode(batch) for batch in pq.read_table(file, partitioning=None).to_batches(65_536)]
    matrix = np.ascontiguousarray(np.concatenate(parts))  # row after row, as XGBoost reads it
    del parts

    def work() -> dict[str, Any]:
        return {"rows": len(matrix), "sum_of_p": float(np.sum(booster.inplace_predict(matrix), dtype=np.float64))}

    return work
