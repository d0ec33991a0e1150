"""Logistic regression as a notebook trains it: one-hot categories and scaled numbers by scikit-learn, in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.training.rows import columns, frame_of, told


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports scikit-learn; the work reads the files, trains, and predicts the holdout day."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    named = columns()

    def crossed(frame: Any) -> Any:
        texts = frame[list(named.categorical)].astype(object).fillna("missing")
        pairs = {"*".join(cross): texts[list(cross)].agg("*".join, axis=1) for cross in named.crosses}
        return texts.assign(**pairs)

    def work() -> dict[str, Any]:
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        counts = make_pipeline(FunctionTransformer(np.log1p), StandardScaler())
        categories = make_pipeline(
            FunctionTransformer(crossed), OneHotEncoder(handle_unknown="ignore", dtype=np.float32)
        )
        encoder = ColumnTransformer(
            [
                ("categories", categories, list(named.categorical)),
                ("numbers", numbers, [*named.numeric, *named.rates]),
                ("counts", counts, list(named.counts)),
            ]
        )
        model = make_pipeline(encoder, LogisticRegression(C=0.1, max_iter=100))
        train, last = frame_of(task["train"]), frame_of(task["holdout"])
        model.fit(train, train["clicked"])
        return told(model.predict_proba(last)[:, 1], last["clicked"])

    return work
