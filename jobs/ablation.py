"""Ablation: what each family of features is worth, by models that have to do without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from conf.errors import SettingsError
from jobs.backtest import Announce, DayFigures, Scored, check_days, tested
from jobs.feature_catalog import Feature, declared
from jobs.feature_list import model_columns
from jobs.night import nights_between
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from models.columns import FeatureColumns
    from models.intervals import Interval
    from models.settings import ModelKind

EVERYTHING = "(none)"
"""Stands for the models that do without nothing, which the others are compared with."""


@dataclass(frozen=True)
class Loss:
    """What one kind of model loses without a family: its NE minus that of the same kind with every feature.

    Above 0 the family earns its place; the limits are 95 %, by user.
    """

    family: str
    features: int
    model: str
    ne: float
    loss: Interval | None


@dataclass(frozen=True)
class Ablation:
    """All families and kinds of model; first come the models with every feature."""

    dataset: str
    days: tuple[date, ...]
    losses: tuple[Loss, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return asdict(self) | {"days": [str(day) for day in self.days]}


def families(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """The model's features by family. A feature may belong to several: to its history, and to what it tells of it."""
    dataset = workspace.dataset
    longest = max(dataset.windows_days)
    found: dict[str, list[str]] = {}
    for feature in declared(dataset):
        if feature.in_model:
            for family in _families_of(feature, longest):
                found.setdefault(family, []).append(feature.name)
    return {family: tuple(names) for family, names in sorted(found.items())}


def _families_of(feature: Feature, longest: int) -> Iterator[str]:
    if feature.history:
        yield f"history {feature.history}"
        if feature.kind == "days":
            yield "recency"
        if feature.kind == "mean":
            yield "means of outcomes"
        if feature.kind == "count":
            yield "evidence"
        if feature.window_days is not None and feature.window_days < longest:
            yield "short windows"
    elif feature.subject == "attribute":
        yield f"attributes {feature.table.removeprefix('attributes_')}"
        if feature.kind == "days":
            yield "age"
    elif feature.name in ("hour", "weekday"):
        yield "calendar"
    elif feature.subject == "context":
        yield "context"


def ablation(
    workspace: Workspace,
    first: date,
    last: date,
    models: Sequence[ModelKind],
    only: Sequence[str] = (),
    announce: Announce = lambda *_: None,
) -> Ablation:
    """Walk forward as a backtest does, once with every feature and once without each family (or those of `only`).

    Raises:
        SettingsError: `only` names a family that does not exist.
        NotReady: days have no training examples, or too few lie before the first test day.
    """
    days = nights_between(first, last)
    check_days(workspace, days)
    left_out = {EVERYTHING: ()} | chosen_families(workspace, only)
    losses: list[Loss] = []
    complete: Sequence[Scored] = ()
    for family, names in left_out.items():
        columns = model_columns(workspace.dataset).without(names)
        figures, scored = _tested(workspace, days, models, columns, family, announce)
        complete = complete or scored
        losses += [_loss(family, len(names), model, figures, scored, complete) for model in models]
    return Ablation(workspace.dataset.name, tuple(days), tuple(losses))


def chosen_families(workspace: Workspace, only: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The families that `only` names, or all of them. Raises SettingsError for one that does not exist."""
    known = families(workspace)
    if unknown := [family for family in only if family not in known]:
        raise SettingsError(f"--only: unknown family `{unknown[0]}`. Known: {', '.join(known)}.")
    return {family: names for family, names in known.items() if not only or family in only}


def _tested(
    workspace: Workspace,
    days: Sequence[date],
    models: Sequence[ModelKind],
    columns: FeatureColumns,
    family: str,
    announce: Announce,
) -> tuple[list[DayFigures], list[Scored]]:
    """The figures and predictions of all days, by models made from `columns`."""
    figures, scored = [], []
    for day in days:
        announce(day, family)
        found, predictions = tested(workspace, day, models, lambda *_: None, columns)
        figures += found
        scored.append(predictions)
    return figures, scored


def _loss(
    family: str,
    features: int,
    model: str,
    figures: Sequence[DayFigures],
    scored: Sequence[Scored],
    complete: Sequence[Scored],
) -> Loss:
    import numpy as np

    from models.intervals import mean_ne_difference_interval

    nes = [of_day.evaluation.ne for of_day in figures if of_day.model == model]
    pairs = [
        (without.p[model], with_all.p[model], with_all.labels, with_all.clusters)
        for without, with_all in zip(scored, complete, strict=True)
    ]
    loss = None if family == EVERYTHING else mean_ne_difference_interval(pairs)
    return Loss(family, features, model, float(np.mean([ne for ne in nes if ne is not None])), loss)
