"""Label: the examples of every day whose labels this night can change."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from features.context import pair_id, with_context
from features.labels import with_first_click, with_inline_click, with_label
from jobs.ingest import ALWAYS
from jobs.step import StepResult
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def label(workspace: Workspace, night: date) -> StepResult:
    """Make the examples of the days still open on `night`, and of earlier days that its arrivals touch."""
    from pyiceberg.expressions import EqualTo

    days = days_to_label(workspace, night)
    rows = 0
    for day in days:
        rows += workspace.store.replace("examples", EqualTo("dt", day), examples_of(workspace, day))
    final = [day.isoformat() for day in days if is_final(workspace, day)]
    return StepResult("label", night, {"examples": rows}, {"days": [day.isoformat() for day in days], "final": final})


def nights_ingested(workspace: Workspace) -> set[date]:
    """The nights whose landing has been taken in."""
    return {day for day in workspace.store.days("landings") if day != ALWAYS}


def is_final(workspace: Workspace, day: date) -> bool:
    """Whether the attribution window of the whole day has closed and all nights that it spans have landed."""
    ingested = nights_ingested(workspace)
    return all(day + timedelta(days=ahead) in ingested for ahead in range(workspace.dataset.maturity_days + 1))


def days_to_label(workspace: Workspace, night: date) -> list[date]:
    """Days whose labels or rows the night's arrivals can change, oldest first: days still open, and days touched."""
    from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThanOrEqual

    store, dataset = workspace.store, workspace.dataset
    open_days = {night - timedelta(days=back) for back in range(dataset.maturity_days + 1)}
    arrivals = store.read(workspace.engine, "impressions", EqualTo("arrived", night)).select("dt").distinct()
    touched = {row["dt"] for row in arrivals.collect()}
    if not dataset.inline_label_column:
        horizon = night - timedelta(days=horizon_days(workspace))
        reach = And(GreaterThanOrEqual("dt", horizon), LessThanOrEqual("dt", night))
        clicked = store.read(workspace.engine, "clicks", EqualTo("dt", night)).select("impression_id")
        shown = store.read(workspace.engine, "impressions", reach).select("impression_id", "dt")
        touched |= {row["dt"] for row in shown.join(clicked, on="impression_id").select("dt").distinct().collect()}
    return sorted(day for day in open_days | touched if store.files("impressions", EqualTo("dt", day)))


def horizon_days(workspace: Workspace) -> int:
    """How many days back an arrival can reach."""
    return workspace.dataset.maturity_days + workspace.dataset.late_days


def examples_of(workspace: Workspace, day: date) -> DataFrame:
    """The examples of one day, as far as they are known now."""
    from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThanOrEqual

    store, dataset, spark = workspace.store, workspace.dataset, workspace.engine
    impressions = store.read(spark, "impressions", EqualTo("dt", day))
    if dataset.inline_label_column:
        clicked = with_inline_click(impressions)
    else:
        arrived = And(
            GreaterThanOrEqual("dt", day), LessThanOrEqual("dt", day + timedelta(days=horizon_days(workspace)))
        )
        clicked = with_first_click(impressions, store.read(spark, "clicks", arrived), dataset.window)
    last_night = max((night for night in nights_ingested(workspace)), default=day)
    known_on = min(day + timedelta(days=dataset.maturity_days), last_night)
    labelled = with_label(clicked, dataset, final=is_final(workspace, day), known_on=known_on)
    described = with_context(labelled, lambda name: attributes_before(workspace, name, day), dataset)
    return described.withColumn("pair_id", pair_id(dataset))


def attributes_before(workspace: Workspace, name: str, day: date) -> DataFrame:
    """The attribute snapshot that held when `day` began: the latest one that had landed before."""
    from pyiceberg.expressions import EqualTo

    table = f"attributes_{name}"
    landed = [landed for landed in workspace.store.days(table) if landed < day]
    return workspace.store.read(workspace.engine, table, EqualTo("dt", landed[-1] if landed else ALWAYS))
