"""XGBoost as a notebook trains it: a frame, a matrix and a DMatrix in memory, with the same parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from bench.training.rows import frame_of, matrix_of, ranks_in, told
from models.boosted import BoostedSettings


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports XGBoost; the work reads the files, trains, and predicts the holdout day."""
    import xgboost as xgb

    import_module("pandas")
    settings = BoostedSettings()

    def work() -> dict[str, Any]:
        train = frame_of(task["train"])
        ranks = ranks_in(train)
        binned = xgb.QuantileDMatrix(matrix_of(train, ranks), train["clicked"], max_bin=settings.max_bin)
        rows = frame_of(task["validation"])
        watched = xgb.QuantileDMatrix(matrix_of(rows, ranks), rows["clicked"], ref=binned, max_bin=settings.max_bin)
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
        p = booster.inplace_predict(matrix_of(last, ranks), iteration_range=(0, rounds))
        return told(p, last["clicked"], rounds)

    return work
