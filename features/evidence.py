"""How much is known of a user, an ad or their pair when a day begins: never seen, seen little, seen much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from conf.dataset import Dataset

if TYPE_CHECKING:
    from pyspark.sql import Column

LEVELS = ("never", "little", "much")
"""From nothing to much."""

MUCH = 20
"""Impressions in the longest window from which on a subject counts as seen much."""

_SUBJECTS = {"user_seen": ("user_id",), "ad_seen": ("ad_id",), "pair_seen": ("user_id", "ad_id")}


@dataclass(frozen=True)
class Evidence:
    """A slicing column made from the impressions that a history counts: its name, the history and the count's column.

    `feature` is the count among the features, `column` the same count in the history's own table.
    """

    name: str
    history: str
    column: str

    @property
    def feature(self) -> str:
        """The count's name among the features."""
        return f"{self.history}__{self.column}"


def evidence_slices(dataset: Dataset) -> tuple[Evidence, ...]:
    """`user_seen`, `ad_seen` and `pair_seen`, as far as the data set keeps a history of each."""
    column = f"impressions_{max(dataset.windows_days)}d"
    found = []
    for name, keys in _SUBJECTS.items():
        histories = [history for history, declared in dataset.histories.items() if set(declared.keys) == set(keys)]
        found += [Evidence(name, history, column) for history in histories[:1]]
    return tuple(found)


def evidence_levels(impressions: Any) -> np.ndarray:
    """`never`, `little` or `much` for each count; a missing count is never. Shape (rows,), text."""
    counts = np.nan_to_num(np.asarray(impressions, dtype=np.float64), nan=0.0)
    return np.select([counts <= 0.0, counts < MUCH], LEVELS[:2], LEVELS[2])


def evidence_level(impressions: Column) -> Column:
    """What `evidence_levels` yields, as a column of the engine."""
    from pyspark.sql import functions as F

    count = F.coalesce(impressions, F.lit(0.0))
    return F.when(count <= 0, LEVELS[0]).when(count < MUCH, LEVELS[1]).otherwise(LEVELS[2])


def evidence_of(rows: Mapping[str, Any] | Any, dataset: Dataset) -> dict[str, np.ndarray]:
    """The levels of every slicing column by evidence, of rows with features; `rows` gives a column by its name."""
    return {slice_.name: evidence_levels(rows[slice_.feature]) for slice_ in evidence_slices(dataset)}


def slices_with_evidence(rows: Mapping[str, Any] | Any, dataset: Dataset) -> dict[str, np.ndarray]:
    """The levels of every slicing column of rows with features: those declared, then those by evidence.

    `rows` is an Arrow table, or anything else that gives a column by its name.
    """
    declared = {name: rows[name].to_pandas().fillna("missing").to_numpy() for name in dataset.slices}
    return declared | evidence_of(rows, dataset)
