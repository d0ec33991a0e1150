"""Whether the parts of a description fit together: every name that is used is declared, and declared once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from conf.notation import RESERVED

if TYPE_CHECKING:
    from conf.dataset import Dataset


def contradictions(dataset: Dataset) -> Iterator[str]:
    """What does not fit together, in words that name the setting."""
    known = {*dataset.feature_categorical, *dataset.user_and_ad}
    yield from _histories(dataset, known)
    yield from _columns(dataset)
    yield from _named_columns(dataset, known)


def _histories(dataset: Dataset, known: Collection[str]) -> Iterator[str]:
    for name, history in dataset.histories.items():
        for key in history.keys:
            if key not in known:
                yield f"histories.{name}: no categorical column `{key}`; known: {_listed(known)}"
        for measure in history.measures:
            if measure not in dataset.impressions.measures:
                yield f"histories.{name}: `{measure}` is not among impressions.measures"
        for parent in history.above:
            if parent not in dataset.histories:
                yield f"histories.{name}: parent `{parent}` is no history"
    for name in dataset.histories:
        dataset.ancestors(name)  # raises where they form a circle


def _columns(dataset: Dataset) -> Iterator[str]:
    log = dataset.impressions
    leaks = set(log.outcomes) & (set(log.context.all) | {dataset.inline_label_column})
    if leaks:
        yield f"impressions: {', '.join(sorted(leaks))} is both an outcome and a feature"
    names = [*log.context.all, *dataset.derived]
    for table in dataset.attributes.values():
        names += [*table.columns.all, *table.dates]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"column `{name}` is declared twice; rename it in one of the files' descriptions"
    for name in sorted(RESERVED & set(names)):
        yield f"column name `{name}` is the pipeline's own; describe it as user, ad, id or time"


def _named_columns(dataset: Dataset, known: Collection[str]) -> Iterator[str]:
    """Columns that crosses, slices and attribute keys name."""
    for cross in dataset.crosses:
        for column in cross:
            if column not in known:
                yield f"crosses: no categorical column `{column}`; known: {_listed(known)}"
    kept = {*known, *dataset.impressions.context.categorical}
    for column in dataset.slices:
        if column not in kept:
            yield f"slices: no categorical column `{column}`; known: {_listed(kept)}"
    for name, table in dataset.attributes.items():
        if table.key not in known:
            yield f"attributes.{name}: no key `{table.key}`; known: {_listed(known)}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
