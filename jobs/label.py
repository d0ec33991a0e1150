"""Label: the examples of every day whose labels this night changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from features.context import pair_id, with_context
from features.labels import with_first_click, with_inline_click, with_label
from jobs.label_days import days_to_label, horizon_days, is_final, nights_of_windows
from jobs.landing.landed import ALWAYS
from jobs.step import StepResult
from jobs.store.spans import between
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def label(workspace: Workspace, night: date) -> StepResult:
    """Make the examples of the days that are still open, and of closed ones that the night touched."""
    from pyiceberg.expressions import In

    days = days_to_label(workspace, night)
    windows = nights_of_windows(workspace, days)
    examples = [examples_of(workspace, day, windows[day]) for day in days]
    rows = workspace.store.replace("examples", In("dt", days), *examples) if days else 0
    final = [day.isoformat() for day in days if is_final(workspace.dataset, windows[day])]
    return StepResult("label", night, {"examples": rows}, {"days": [day.isoformat() for day in days], "final": final})


def examples_of(workspace: Workspace, day: date, nights: Sequence[date]) -> DataFrame:
    """The examples of one day, as far as they are known now; `nights` of its window have landed."""
    from pyiceberg.expressions import EqualTo

    store, dataset, spark = workspace.store, workspace.dataset, workspace.engine
    impressions = store.read(spark, "impressions", EqualTo("dt", day))
    if dataset.inline_label_column:
        clicked = with_inline_click(impressions)
    else:
        arrived = between(day, day + timedelta(days=horizon_days(dataset)))
        clicked = with_first_click(impressions, store.read(spark, "clicks", arrived), dataset.window)
    known_on = max(nights, default=day)
    labelled = with_label(clicked, dataset, final=is_final(dataset, nights), known_on=known_on)
    described = with_context(labelled, lambda name: attributes_before(workspace, name, day), dataset)
    return described.withColumn("pair_id", pair_id(dataset))


def attributes_before(workspace: Workspace, name: str, day: date) -> DataFrame:
    """The attribute snapshot that held when `day` began."""
    from pyiceberg.expressions import EqualTo

    held = EqualTo("dt", snapshot_before(workspace, name, day))
    return workspace.store.read(workspace.engine, f"attributes_{name}", held)


def snapshot_before(workspace: Workspace, name: str, day: date) -> date:
    """The day of the latest snapshot of an attribute table that had landed before `day`."""
    if not workspace.dataset.attributes[name].dated:
        return ALWAYS
    return workspace.store.latest_day(f"attributes_{name}", day) or ALWAYS
