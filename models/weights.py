"""What the linear model has learned, by names that people know: hashing is undone with the values of some rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from models.arrow_values import column_of, text_of
from models.bundle import ModelBundle
from models.hashing_encoder import HashingEncoder
from models.logistic import LogisticModel
from models.mix import MixModel, PairEncoder

RAREST = 0.001
"""Values on a smaller share of the rows are left out: their weights are mostly the penalty's."""


@dataclass(frozen=True)
class Weight:
    """What a number or a category does to the log odds.

    Of a number: the standard deviation of all that it adds over the rows, below 0 where that falls as the number rises.
    Of a category, or of several together: what it adds where it holds.
    """

    name: str
    effect: float


def largest_weights(bundle: ModelBundle, rows: pa.Table, count: int, hidden: Collection[str] = ()) -> list[Weight]:
    """The `count` largest effects of the bundle's linear model over `rows`, largest first; none without such a model.

    Categories of `hidden` columns, and crosses with them, are left out.
    """
    linear = _linear(bundle)
    if linear is None or not rows.num_rows:
        return []
    encoder, model = linear
    [batch] = rows.combine_chunks().to_batches(max_chunksize=rows.num_rows)
    found = list(_effects(encoder, model, batch, hidden))
    return sorted(found, key=lambda weight: (-abs(weight.effect), weight.name))[:count]


def _linear(bundle: ModelBundle) -> tuple[HashingEncoder, LogisticModel] | None:
    encoder, model = bundle.encoder, bundle.estimator
    if isinstance(encoder, PairEncoder) and isinstance(model, MixModel):
        return encoder.linear, model.linear
    return (encoder, model) if isinstance(encoder, HashingEncoder) and isinstance(model, LogisticModel) else None


def _effects(
    encoder: HashingEncoder, model: LogisticModel, batch: pa.RecordBatch, hidden: Collection[str]
) -> Iterator[Weight]:
    """Of every row, the encoder fills as many entries: scaled numbers, pairs, one bin a number, then categories."""
    columns, matrix = encoder.columns, encoder.encode(batch)
    values = matrix.data.reshape(batch.num_rows, -1)
    added = values * model.coefficients[matrix.indices].reshape(values.shape)
    numbers, pairs = len(columns.measured), len(columns.rate_evidence)
    first_category = values.shape[1] - len(columns.categorical) - len(columns.crosses)
    has_bins = first_category > numbers + pairs
    for place, name in enumerate(columns.measured):
        of_pairs = [numbers + pair for pair, (rate, _) in enumerate(columns.rate_evidence) if rate == name]
        of_bins = [numbers + pairs + place] if has_bins else []
        total = added[:, [place, *of_pairs, *of_bins]].sum(axis=1)
        falls = float(np.sum((total - total.mean()) * (values[:, place] - values[:, place].mean()))) < 0.0
        yield Weight(name, float(-total.std() if falls else total.std()))
    known = [*((name,) for name in columns.categorical), *columns.crosses]
    for place, names in enumerate(known):
        if not set(names) & set(hidden):
            yield from _of_categories(batch, names, added[:, first_category + place])


def _of_categories(batch: pa.RecordBatch, names: tuple[str, ...], added: np.ndarray) -> Iterator[Weight]:
    texts = [text_of(column_of(batch, name)).to_pandas().fillna("missing") for name in names]
    labels = pd.Series(
        [", ".join(f"{name}={text}" for name, text in zip(names, row, strict=True)) for row in zip(*texts, strict=True)]
    )
    for label, rows in labels.groupby(labels).indices.items():
        if len(rows) >= RAREST * batch.num_rows:
            yield Weight(str(label), float(added[rows[0]]))
