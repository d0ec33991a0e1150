"""Other libraries of boosted trees, given the very rows that the project's models learn from: what to be measured by.

LightGBM and CatBoost come with the extra `dev`; nothing that runs at night needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, Protocol, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from conf.errors import NotReady, SettingsError
from conf.notation import names_in
from models.arrow_values import floats_of, text_of
from models.batches import Batches, JoinedBatches, TableBatches, all_labels, batches_of, labels_of, weights_of
from models.calibration import calibrator_of_sample
from models.columns import FeatureColumns
from models.downsampling import DownsampledBatches, corrected_for_sampling
from models.matrix_encoder import MatrixEncoder
from models.members import joined
from models.probability import clipped
from models.recency import RecencyWeighted, latest_day
from models.settings import ModelSettings

RivalName = Literal["lightgbm", "catboost"]
RIVALS: tuple[RivalName, ...] = get_args(RivalName)

MAX_ROUNDS = 1000
STOPPING_ROUNDS = 30

LIGHTGBM = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 7,
    "min_data_in_leaf": 100,
    "lambda_l2": 10.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
}
CATBOOST = {
    "learning_rate": 0.1,
    "depth": 6,
    "l2_leaf_reg": 10.0,
    "rsm": 0.5,
    "boosting_type": "Plain",
    "max_ctr_complexity": 2,
    "verbose": False,
    "allow_writing_files": False,
}

Predict = Callable[[pa.Table], np.ndarray]


@dataclass(frozen=True)
class Rival:
    """p(click) of rows with features, and the number of trees that the validation rows chose."""

    predict: Predict
    rounds: int


class _Fit(Protocol):
    def __call__(
        self, rows: pa.Table, stopping: pa.Table | None, rounds: int, columns: FeatureColumns, settings: ModelSettings
    ) -> Rival:
        """Trees until the log loss of the `stopping` rows falls no more, or `rounds` of them; not yet corrected."""
        ...


def rival_names(text: str) -> tuple[RivalName, ...]:
    """Rivals named with commas, in their own order.

    Raises:
        SettingsError: one that is not known, or not installed.
    """
    named = names_in(text)
    if unknown := [name for name in named if name not in RIVALS]:
        raise SettingsError(f"--beside: unknown library `{unknown[0]}`. Known: {', '.join(RIVALS)}.")
    if missing := [name for name in named if find_spec(name) is None]:
        raise SettingsError(
            f"--beside: {', '.join(missing)} is not installed. It comes with `make install`, or `pip install "
            f"{' '.join(missing)}`; nothing else needs it."
        )
    return tuple(name for name in RIVALS if name in named)


def fit_rivals(
    names: Sequence[RivalName],
    settings: ModelSettings,
    columns: FeatureColumns,
    train: Batches,
    validation: Batches,
    sampling_rate: float = 1.0,
    half_life_days: float = 0.0,
) -> Iterator[tuple[RivalName, Rival]]:
    """A rival of each name, made as `train_bundles` makes a model, but held in memory whole.

    The same sample of the same rows with the same weights, stopped and calibrated on the same validation rows, and with
    `settings.refit` learned again from both. Number of trees and their shape are the rival's own. Raises NotReady where
    there is nothing to learn from.
    """
    if not names:
        return
    latest = latest_day(validation)
    if latest is None:
        raise NotReady("The validation days have no rows to stop the trees by: choose other days.")

    def learned_from(batches: Batches) -> pa.Table:
        sampled = DownsampledBatches(batches, sampling_rate)
        return _table_of(RecencyWeighted(sampled, latest, half_life_days))

    chosen_from = learned_from(train)
    learned = learned_from(JoinedBatches((train, validation))) if settings.refit else chosen_from
    stopping = _table_of(DownsampledBatches(validation, sampling_rate))
    labels = all_labels(validation)
    for name in names:
        fit = _FITS[name]
        first = final = fit(chosen_from, stopping, MAX_ROUNDS, columns, settings)
        p = joined([corrected_for_sampling(first.predict(_table_of([batch])), sampling_rate) for batch in validation])
        if settings.refit:
            final = fit(learned, None, max(1, round(first.rounds * settings.refit_rounds)), columns, settings)
        corrected = corrected_for_sampling(final.predict(learned), sampling_rate)
        whole = (corrected, _labels_of(learned), _weights_of(learned))
        calibrator = calibrator_of_sample(settings.calibration, p, labels, sampling_rate, [whole])

        def predicted(rows: pa.Table, raw: Predict = final.predict, apply: Any = calibrator.apply) -> np.ndarray:
            return clipped(apply(corrected_for_sampling(raw(rows), sampling_rate)))

        yield name, Rival(predicted, first.rounds)


def _fit_lightgbm(
    rows: pa.Table, stopping: pa.Table | None, rounds: int, columns: FeatureColumns, settings: ModelSettings
) -> Rival:
    import lightgbm as lgb

    encoder = MatrixEncoder.fit(TableBatches(rows), columns, settings.matrix)

    def encoded(table: pa.Table) -> np.ndarray:
        return np.concatenate([encoder.encode(batch) for batch in batches_of(table)])

    boosted = settings.boosted
    parameters = LIGHTGBM | {"seed": boosted.seed, "num_threads": boosted.threads, "max_bin": boosted.max_bin}
    data = lgb.Dataset(
        encoded(rows), _labels_of(rows), weight=_weights_of(rows), feature_name=list(encoder.feature_names)
    )
    watched, callbacks = [], []
    if stopping is not None:
        watched = [lgb.Dataset(encoded(stopping), _labels_of(stopping), reference=data)]
        callbacks = [lgb.early_stopping(STOPPING_ROUNDS, verbose=False)]
    booster = lgb.train(parameters, data, rounds, valid_sets=watched, callbacks=callbacks)
    return Rival(
        lambda table: np.asarray(booster.predict(encoded(table)), dtype=np.float64),
        booster.best_iteration or booster.current_iteration(),
    )


def _fit_catboost(
    rows: pa.Table, stopping: pa.Table | None, rounds: int, columns: FeatureColumns, settings: ModelSettings
) -> Rival:
    from catboost import CatBoostClassifier, Pool

    def pool(table: pa.Table, *, labelled: bool = True) -> Any:
        return Pool(
            _frame(table, columns),
            _labels_of(table) if labelled else None,
            weight=_weights_of(table) if labelled else None,
            cat_features=list(columns.categorical),
        )

    model = CatBoostClassifier(
        **CATBOOST,
        iterations=rounds,
        border_count=settings.boosted.max_bin,
        random_seed=settings.boosted.seed,
        thread_count=settings.boosted.threads or -1,
        **({} if stopping is None else {"od_type": "Iter", "od_wait": STOPPING_ROUNDS}),
    )
    model.fit(pool(rows), eval_set=None if stopping is None else pool(stopping))
    return Rival(lambda table: model.predict_proba(pool(table, labelled=False))[:, 1], int(model.tree_count_))


_FITS: dict[RivalName, _Fit] = {"lightgbm": _fit_lightgbm, "catboost": _fit_catboost}


def _frame(rows: pa.Table, columns: FeatureColumns) -> pd.DataFrame:
    """Categories as text, whole: CatBoost makes statistics of its own from them, which ranks would spoil."""
    [batch] = batches_of(rows, rows.num_rows)
    categories = {
        name: text_of(batch.column(name)).fill_null("missing").to_pandas().astype("category")
        for name in columns.categorical
    }
    return pd.DataFrame(categories | {name: floats_of(batch.column(name)) for name in columns.measured})


def _table_of(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    kept = list(batches)
    if not kept:
        raise NotReady("The training window has no rows: widen it, or wait until labels have matured.")
    return pa.Table.from_batches(kept).combine_chunks()


def _labels_of(rows: pa.Table) -> np.ndarray:
    return np.concatenate([labels_of(batch) for batch in rows.to_batches()])


def _weights_of(rows: pa.Table) -> np.ndarray | None:
    weights = [of_batch for batch in rows.to_batches() if (of_batch := weights_of(batch)) is not None]
    return np.concatenate(weights) if weights else None
