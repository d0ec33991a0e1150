"""Whether the parts of a description fit together: every name that is used is declared, and declared once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from conf.landing import ClickLog, Files, InlineLabel, LandingCandidates
from conf.notation import RESERVED

if TYPE_CHECKING:
    from conf.dataset import Dataset

ROOT = "all"
"""The history of every impression, which the pipeline keeps by itself."""
PLACE_COLUMNS = frozenset({"_file", "_row", "_text", "_reject"})
"""What the reader of landing files adds to every row."""


def contradictions(dataset: Dataset) -> Iterator[str]:
    """What does not fit together, causes before what follows from them, in words that name the setting."""
    yield from _read_columns(dataset)
    yield from _labels(dataset)
    yield from _candidates(dataset)
    yield from _declared_columns(dataset)
    yield from _attributes(dataset)
    yield from _derived(dataset)
    yield from _histories(dataset)
    yield from _chosen_columns(dataset)


def _read_columns(dataset: Dataset) -> Iterator[str]:
    """Names of columns in the files."""
    log, label, pairs = dataset.impressions, dataset.label, dataset.candidates
    named = [("impressions", [*log.id, log.user, log.ad, log.time.column, *log.outcomes])]
    named.append(("label", [label.column] if isinstance(label, InlineLabel) else [*label.id, label.time.column]))
    named += [(f"attributes.{name}", [table.key_column]) for name, table in dataset.attributes.items()]
    named.append(("candidates", [pairs.user, pairs.ad] if isinstance(pairs, LandingCandidates) else []))
    named += [(source, [*files.where]) for source, files in _files(dataset)]
    for source, columns in named:
        for column in sorted(PLACE_COLUMNS & {column for column in columns if column}):
            yield f"{source}: `{column}` is a name that the reader gives; take another one with `rename`"
    yield from _alike(dataset)


def _files(dataset: Dataset) -> Iterator[tuple[str, Files]]:
    yield "impressions", dataset.impressions
    if isinstance(dataset.label, ClickLog):
        yield "label", dataset.label
    for name, table in dataset.attributes.items():
        yield f"attributes.{name}", table
    if isinstance(dataset.candidates, LandingCandidates):
        yield "candidates", dataset.candidates


def _alike(dataset: Dataset) -> Iterator[str]:
    """Columns of one kind of file that the engines, which know no upper case in names, would take for one."""
    log, label, pairs = dataset.impressions, dataset.label, dataset.candidates
    read = [*log.id, log.user, log.ad, log.time.column, *log.context.all, *log.where]
    read += [column for measure in log.measures.values() for column in measure.source_columns]
    kinds: list[tuple[str, list[str | None]]] = [
        ("impressions", [*read, label.column if isinstance(label, InlineLabel) else None])
    ]
    if isinstance(label, ClickLog):
        kinds.append(("label", [*label.id, label.time.column, *label.where]))
    for name, table in dataset.attributes.items():
        own = [*table.columns.all, *table.dates, *table.where]
        kinds.append((f"attributes.{name}", [table.key_column or table.key, *own]))
    if isinstance(pairs, LandingCandidates):
        kinds.append(("candidates", [pairs.user, pairs.ad, *pairs.context.all, *pairs.where]))
    for source, columns in kinds:
        spellings: dict[str, str] = {}
        for column in filter(None, columns):
            other = spellings.setdefault(column.lower(), column)
            if other != column:
                yield f"{source}: `{column}` differs from `{other}` by upper case alone; use `rename`"


def _labels(dataset: Dataset) -> Iterator[str]:
    log, label = dataset.impressions, dataset.label
    if isinstance(label, ClickLog) and len(label.id) != len(log.id):
        yield (
            f"label.id: {len(label.id)} columns name what {len(log.id)} name in impressions.id; "
            "a click is found by as many, in the same order"
        )
    outcomes = {_source(log, name): "an outcome" for name in log.outcomes}
    if isinstance(label, InlineLabel):
        if _source(log, label.column) in outcomes:
            yield f"impressions: `{label.column}` is both an outcome and the label"
        outcomes[_source(log, label.column)] = "the label"
    for name in log.context.all:
        if _source(log, name) in outcomes:
            yield f"impressions: `{name}` is both {outcomes[_source(log, name)]} and a feature"


def _source(files: Files, name: str) -> str:
    return files.rename.get(name, name)


def _candidates(dataset: Dataset) -> Iterator[str]:
    """What is said of a pair must be what is said of an impression: it is how the two are found again."""
    pairs, log = dataset.candidates, dataset.impressions
    if not isinstance(pairs, LandingCandidates):
        return
    for role, shown, scored in (("user", log.user, pairs.user), ("ad", log.ad, pairs.ad)):
        if shown and not scored:
            yield f"candidates: no `{role}`, which impressions have; name its column, or no pair could be scored"
        elif scored and not shown:
            yield f"candidates: `{role}` is {scored}, but impressions name no {role}; take it out, or name it there too"
    kinds = (("categorical", pairs.context.categorical), ("numeric", pairs.context.numeric))
    declared = {"categorical": log.context.categorical, "numeric": log.context.numeric}
    for kind, names in kinds:
        for name in names:
            if name in log.context.all and name not in declared[kind]:
                yield f"candidates.context: `{name}` is {kind} here, and of the other kind in impressions.context"
            elif name not in log.context.all:
                yield (
                    f"candidates.context: `{name}` is not in impressions.context, so no impression could tell what it "
                    f"led to; known: {_listed(log.context.all)}"
                )


def _declared_columns(dataset: Dataset) -> Iterator[str]:
    """Columns of tables: each name once, and none that the pipeline gives itself."""
    log = dataset.impressions
    names = [*log.context.all, *log.measures, *dataset.derived]
    for table in dataset.attributes.values():
        names += [*table.columns.all, *table.dates, *(f"{name}_age_days" for name in table.dates)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"column `{name}` is declared twice; rename it in one of the files' descriptions"
    for name in sorted(RESERVED & set(names)):
        yield f"column name `{name}` is the pipeline's own; describe it as user, ad, id or time, or use `rename`"
    for name in sorted(set(names)):
        if name.partition("__")[0] in {ROOT, *dataset.histories} and "__" in name:
            yield f"column name `{name}` begins like a feature of a history; use `rename`"


def _attributes(dataset: Dataset) -> Iterator[str]:
    """Tables are looked up in their order, so a key must be there by then."""
    there = [*dataset.user_and_ad, *dataset.pair_columns.categorical]
    given = {column: name for name, table in dataset.attributes.items() for column in table.columns.categorical}
    for name, table in dataset.attributes.items():
        if table.key not in there and given.get(table.key, name) != name:
            yield f"attributes.{name}: its key `{table.key}` comes from attributes.{given[table.key]}; put that first"
        elif table.key not in there:
            yield f"attributes.{name}: no key `{table.key}`; known: {_listed(there)}"
        there += table.columns.categorical


def _derived(dataset: Dataset) -> Iterator[str]:
    texts = [*dataset.given_categorical, *dataset.user_and_ad]
    for name, rule in dataset.derived.items():
        known, kind = (dataset.feature_numeric, "numeric") if rule.edges else (texts, "categorical")
        if rule.column not in known:
            yield f"derived.{name}: no {kind} column `{rule.column}` is known at scoring; known: {_listed(known)}"


def _histories(dataset: Dataset) -> Iterator[str]:
    if ROOT in dataset.histories:
        yield f"histories.{ROOT}: `{ROOT}` is the history of every impression, kept by itself; choose another name"
    known = _keys(dataset)
    parents_known = True
    for name, history in dataset.histories.items():
        for key in history.keys:
            if key not in known:
                yield f"histories.{name}: no categorical column `{key}`; known: {_listed(known)}"
        for measure in history.measures:
            if measure not in dataset.impressions.measures:
                yield f"histories.{name}: `{measure}` is not among impressions.measures"
        for parent in history.above:
            if parent not in dataset.histories:
                parents_known = False
                yield f"histories.{name}: parent `{parent}` is no history; known: {_listed(dataset.histories)}"
    for name in dataset.histories if parents_known else ():
        try:
            dataset.ancestors(name)
        except ValueError as circle:
            yield str(circle)


def _chosen_columns(dataset: Dataset) -> Iterator[str]:
    """Columns that crosses, slices and `history_only` name."""
    known = _keys(dataset)
    for cross in dataset.crosses:
        for column in cross:
            if column not in known:
                yield f"crosses: no categorical column `{column}`; known: {_listed(known)}"
    kept = {*known, *dataset.impressions.context.categorical}
    for column in dataset.slices:
        if column not in kept:
            yield f"slices: no categorical column `{column}`; known: {_listed(kept)}"
    for column in dataset.history_only:
        if column not in known:
            yield f"history_only: no categorical column `{column}`; known: {_listed(known)}"


def _keys(dataset: Dataset) -> set[str]:
    return {*dataset.feature_categorical, *dataset.user_and_ad}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
