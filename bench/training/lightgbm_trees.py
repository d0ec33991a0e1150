"""LightGBM on the same matrix in memory, with the settings of `models.rivals`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.training.rows import frame_of, matrix_of, ranks_in, told
from models.rivals import LIGHTGBM, MAX_ROUNDS, STOPPING_ROUNDS


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports LightGBM; the work reads the files, trains, and predicts the holdout day."""
    import lightgbm as lgb

    def work() -> dict[str, Any]:
        train = frame_of(task["train"])
        ranks = ranks_in(train)
        data = lgb.Dataset(matrix_of(train, ranks), train["clicked"])
        rows = frame_of(task["validation"])
        watched = lgb.Dataset(matrix_of(rows, ranks), rows["clicked"], reference=data)
        stop = lgb.early_stopping(STOPPING_ROUNDS, verbose=False)
        booster = lgb.train(LIGHTGBM | {"seed": 7}, data, MAX_ROUNDS, valid_sets=[watched], callbacks=[stop])
        last = frame_of(task["holdout"])
        return told(booster.predict(matrix_of(last, ranks)), last["clicked"], booster.best_iteration)

    return work
