"""Which days a night's labels concern: those still open, and closed ones that something late touched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta

from conf.dataset import Dataset
from conf.landing import ClickLog
from features.labels import counted_clicks, earliest_day_reached
from jobs.store.spans import between
from jobs.workspace import Workspace


def horizon_days(dataset: Dataset) -> int:
    """How many days back an arrival can reach. Without landing days, every row arrives on its own day."""
    logs = [dataset.impressions, *([dataset.label] if isinstance(dataset.label, ClickLog) else [])]
    late = dataset.late_days if any(log.dated for log in logs) else 0
    return dataset.maturity_days + late


def nights_of_windows(workspace: Workspace, days: Sequence[date]) -> dict[date, list[date]]:
    """For each day, the nights from its own to the one that closes its window, whose landing has been taken in."""
    if not days:
        return {}
    open_for = timedelta(days=workspace.dataset.maturity_days)
    landed = workspace.store.days("landings", between(min(days), max(days) + open_for))
    return {day: [night for night in landed if day <= night <= day + open_for] for day in days}


def is_final(dataset: Dataset, nights: Sequence[date]) -> bool:
    """Whether labels are final, given the nights of the day's window that have landed: all that it spans."""
    return len(nights) == dataset.maturity_days + 1


def final_days(workspace: Workspace, days: Sequence[date]) -> list[date]:
    """Those of some days whose labels are final."""
    windows = nights_of_windows(workspace, days)
    return [day for day in days if is_final(workspace.dataset, windows[day])]


def open_days(workspace: Workspace, night: date) -> list[date]:
    """Days with rows whose attribution window had not closed before `night`, oldest first."""
    return _days_with_rows(workspace, night - timedelta(days=workspace.dataset.maturity_days), night)


def days_to_label(workspace: Workspace, night: date) -> list[date]:
    """The days whose examples `night` can change, oldest first.

    A closed day is one of them if rows or clicks of it arrived on this night, or if they did when the night was run
    before and its examples still hold them.
    """
    reach = night - timedelta(days=horizon_days(workspace.dataset))
    found = open_days(workspace, night)
    closed = [day for day in _days_with_rows(workspace, reach, night) if day not in found]
    return sorted({*found, *_touched(workspace, closed, night)}) if closed else found


def labelled_days(workspace: Workspace, night: date) -> list[date]:
    """The days that the night's step `label` wrote, by its record; without one, all that it could have written."""
    from pyiceberg.expressions import And, EqualTo

    record = workspace.store.rows("runs", And(EqualTo("dt", night), EqualTo("step", "label")))
    if not record:
        return _days_with_rows(workspace, night - timedelta(days=horizon_days(workspace.dataset)), night)
    return [date.fromisoformat(day) for day in json.loads(record[0]["detail"])["days"]]


def _days_with_rows(workspace: Workspace, first: date, last: date) -> list[date]:
    """Days that hold impressions, or examples made of impressions that are gone now."""
    within = between(first, last)
    return sorted({*workspace.store.days("impressions", within), *workspace.store.days("examples", within)})


def _touched(workspace: Workspace, closed: Sequence[date], night: date) -> set[date]:
    from pyiceberg.expressions import And, EqualTo, In
    from pyspark.sql import functions as F

    store, spark = workspace.store, workspace.engine
    among = In("dt", closed)
    found = set(store.days("impressions", And(among, EqualTo("arrived", night))))
    held = store.read(spark, "examples", among).where(
        (F.col("arrived") == F.lit(night)) | (F.col("click_arrived") == F.lit(night))
    )
    found |= {row["dt"] for row in held.select("dt").distinct().collect()}
    return found | _clicked(workspace, [day for day in closed if day not in found], night)


def _clicked(workspace: Workspace, days: Sequence[date], night: date) -> set[date]:
    """Those of some days whose impressions were clicked by what arrived on `night`."""
    from pyiceberg.expressions import EqualTo, In

    store, spark, dataset = workspace.store, workspace.engine, workspace.dataset
    if dataset.inline_label_column or not days or not store.files("clicks", EqualTo("dt", night)):
        return set()
    clicks = store.read(spark, "clicks", EqualTo("dt", night))
    earliest = earliest_day_reached(clicks, dataset)
    reached = [day for day in days if earliest is not None and day >= earliest]
    if not reached:
        return set()
    impressions = store.read(spark, "impressions", In("dt", reached)).select("impression_id", "event_time", "dt")
    hit = counted_clicks(impressions.withColumnRenamed("dt", "shown_on"), clicks, dataset.window)
    return {row["shown_on"] for row in hit.select("shown_on").distinct().collect()}
