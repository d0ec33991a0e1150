"""CatBoost on the same rows in memory, with its own way with categories and the settings of `models.rivals`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.training.rows import columns, frame_of, told
from models.rivals import CATBOOST, MAX_ROUNDS, STOPPING_ROUNDS


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports CatBoost; the work reads the files, trains, and predicts the holdout day."""
    from catboost import CatBoostClassifier, Pool

    named = columns()

    def pool(frame: Any) -> Any:
        texts = {name: frame[name].astype(object).fillna("missing").astype(str) for name in named.categorical}
        return Pool(frame[list(named.all)].assign(**texts), frame["clicked"], cat_features=list(named.categorical))

    def work() -> dict[str, Any]:
        model = CatBoostClassifier(
            **CATBOOST, iterations=MAX_ROUNDS, random_seed=7, od_type="Iter", od_wait=STOPPING_ROUNDS
        )
        model.fit(pool(frame_of(task["train"])), eval_set=pool(frame_of(task["validation"])))
        last = frame_of(task["holdout"])
        return told(model.predict_proba(pool(last))[:, 1], last["clicked"], int(model.tree_count_))

    return work
