"""What every side is given: files of training, validation and holdout days; and what each tells of its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conf.dataset import load_dataset
from jobs.feature_list import model_columns
from models.columns import FeatureColumns
from models.metrics import normalised_entropy


def columns() -> FeatureColumns:
    """The features of the simulated log."""
    return model_columns(load_dataset("simulated"))


def frame_of(files: Sequence[str]) -> Any:
    """All rows as a pandas frame in memory: categories as pandas has them, numbers as float32."""
    import pandas as pd
    import pyarrow.parquet as pq

    named = columns()
    table = pq.read_table(list(files), columns=[*named.all, "clicked"], partitioning=None)
    frame = table.to_pandas(self_destruct=True)
    for name in named.categorical:
        frame[name] = pd.Categorical(frame[name])
    return frame.astype(dict.fromkeys(named.measured, np.float32))


def ranks_of(values: Any, ranks: Mapping[str, int]) -> np.ndarray:
    """Categories as their rank by frequency in the training rows, as the pipeline's trees read them; null as NaN."""
    found = values.astype(object).map(ranks).fillna(len(ranks)).where(values.notna())
    return found.to_numpy(dtype=np.float32)


def matrix_of(frame: Any, ranks: Mapping[str, Mapping[str, int]]) -> np.ndarray:
    """Categories as ranks, counts on a log scale, the rest as it is. Shape (rows, features), float32."""
    named = columns()
    parts = [ranks_of(frame[name], ranks[name]) for name in named.categorical]
    parts += [frame[name].to_numpy() for name in named.numeric]
    parts += [np.log1p(frame[name].to_numpy()) for name in named.counts]
    parts += [frame[name].to_numpy() for name in named.rates]
    return np.column_stack(parts)


def ranks_in(frame: Any, most: int = 255) -> dict[str, dict[str, int]]:
    """The most frequent values of each category, most frequent first."""
    named = columns()
    return {
        name: {value: rank for rank, value in enumerate(frame[name].value_counts().index[:most])}
        for name in named.categorical
    }


def told(p: np.ndarray, y: np.ndarray, rounds: int | None = None) -> dict[str, Any]:
    """NE on the holdout day, and the number of trees where there are any."""
    ne = normalised_entropy(np.asarray(p, dtype=np.float64), np.asarray(y, dtype=np.float64))
    return {"ne": ne} | ({} if rounds is None else {"rounds": rounds})
