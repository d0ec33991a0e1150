"""XGBoost as a notebook trains it: a frame, a matrix and a DMatrix in memory, with the same parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from bench.training.rows import frame_of, matrix_of, ranks_in, told
from models.boosted import BoostedSettings
from models.matrix_encoder import MISSING


def _filled(frame: Any, ranks: Mapping[str, Mapping[str, int]]) -> np.ndarray:
    """The matrix without NaN, which takes XGBoost half the time."""
    return np.nan_to_num(matrix_of(frame, ranks), copy=False, nan=MISSING)


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports XGBoost; the work reads the files, trains, and predicts the holdout day."""
    import xgboost as xgb

    import_module("pandas")
    settings = BoostedSettings()

    def work() -> dict[str, Any]:
        train = frame_of(task["train"])
        ranks = ranks_in(train)
        binned = xgb.QuantileDMatrix(_filled(train, ranks), train["clicked"], max_bin=settings.max_bin)
        rows = frame_of(task["validation"])
        watched = xgb.QuantileDMatrix(_filled(rows, ranks), rows["clicked"], ref=binned, max_bin=settings.max_bin)
        booster = xgb.train(
            settings.parameters(),
            binned,
            num_boost_round=settings.max_rounds,
            evals=[(watched, "validation")],
            early_stopping_rounds=settings.early_stopping_rounds,
            verbose_eval=False,
        )
        rounds = booster.best_iteration + 1
        last = frame_of(task["holdout"])
        p = booster.inplace_predict(_filled(last, ranks), iteration_range=(0, rounds))
        return told(p, last["clicked"], rounds)

    return work
