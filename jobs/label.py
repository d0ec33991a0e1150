"""Label: the examples of every day whose labels this night can change."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from conf.dataset import Dataset
from conf.landing import ClickLog
from features.context import pair_id, with_context
from features.labels import with_first_click, with_inline_click, with_label
from jobs.landing.landed import ALWAYS
from jobs.step import StepResult
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def label(workspace: Workspace, night: date) -> StepResult:
    """Make the examples of every day that the arrivals of `night` can reach."""
    from pyiceberg.expressions import EqualTo

    days = days_to_label(workspace, night)
    rows = 0
    for day in days:
        rows += workspace.store.replace("examples", EqualTo("dt", day), examples_of(workspace, day))
    final = [day.isoformat() for day in days if is_final(workspace, day)]
    return StepResult("label", night, {"examples": rows}, {"days": [day.isoformat() for day in days], "final": final})


def nights_of_window(workspace: Workspace, day: date) -> list[date]:
    """The nights, from the day's own to the one that closes its attribution window, whose landing has been taken in."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    closes = day + timedelta(days=workspace.dataset.maturity_days)
    return workspace.store.days("landings", And(GreaterThanOrEqual("dt", day), LessThanOrEqual("dt", closes)))


def is_final(workspace: Workspace, day: date) -> bool:
    """Whether the attribution window of the whole day has closed and all nights that it spans have landed."""
    return len(nights_of_window(workspace, day)) == workspace.dataset.maturity_days + 1


def days_to_label(workspace: Workspace, night: date) -> list[date]:
    """Days whose labels or rows the night's arrivals can change, oldest first.

    All of them, whether or not something of theirs arrived: what a night brought may be less when it is run again.
    """
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    reach = [night - timedelta(days=back) for back in range(horizon_days(workspace.dataset), -1, -1)]
    within = And(GreaterThanOrEqual("dt", reach[0]), LessThanOrEqual("dt", night))
    kept = {*workspace.store.days("impressions", within), *workspace.store.days("examples", within)}
    return [day for day in reach if day in kept]


def horizon_days(dataset: Dataset) -> int:
    """How many days back an arrival can reach. Without landing days, every row arrives on its own day."""
    logs = [dataset.impressions, *([dataset.label] if isinstance(dataset.label, ClickLog) else [])]
    late = dataset.late_days if any(log.dated for log in logs) else 0
    return dataset.maturity_days + late


def examples_of(workspace: Workspace, day: date) -> DataFrame:
    """The examples of one day, as far as they are known now."""
    from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThanOrEqual

    store, dataset, spark = workspace.store, workspace.dataset, workspace.engine
    impressions = store.read(spark, "impressions", EqualTo("dt", day))
    if dataset.inline_label_column:
        clicked = with_inline_click(impressions)
    else:
        arrived = And(GreaterThanOrEqual("dt", day), LessThanOrEqual("dt", day + timedelta(days=horizon_days(dataset))))
        clicked = with_first_click(impressions, store.read(spark, "clicks", arrived), dataset.window)
    known_on = max(nights_of_window(workspace, day), default=day)
    labelled = with_label(clicked, dataset, final=is_final(workspace, day), known_on=known_on)
    described = with_context(labelled, lambda name: attributes_before(workspace, name, day), dataset)
    return described.withColumn("pair_id", pair_id(dataset))


def attributes_before(workspace: Workspace, name: str, day: date) -> DataFrame:
    """The attribute snapshot that held when `day` began: the latest one that had landed before."""
    from pyiceberg.expressions import EqualTo, LessThan

    table = f"attributes_{name}"
    landed = workspace.store.days(table, LessThan("dt", day))
    return workspace.store.read(workspace.engine, table, EqualTo("dt", landed[-1] if landed else ALWAYS))
