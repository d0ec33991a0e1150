"""Features: what the night learned, every history as of the next day, and the training examples that became final."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

from features.histories import counts_learned, history_keys, measure_sums, windowed
from features.point_in_time import with_histories
from jobs.label_days import final_days, labelled_days
from jobs.step import StepResult
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def features(workspace: Workspace, night: date) -> StepResult:
    """Bring daily counts, feature tables and training examples up to the end of `night`."""
    days = labelled_days(workspace, night)
    rows = {"daily_counts": learn(workspace, night, days)}
    rows |= snapshot_histories(workspace, night + timedelta(days=1))
    mature = final_days(workspace, days)
    rows["training_examples"] = materialise_training_examples(workspace, mature)
    return StepResult("features", night, rows, {"mature": [day.isoformat() for day in mature]})


def learn(workspace: Workspace, night: date, days: Sequence[date]) -> int:
    """Write what the night learned of `days`, all that it touched, to `daily_counts`."""
    from pyiceberg.expressions import EqualTo, In

    examples = workspace.store.read(workspace.engine, "examples", In("dt", days))
    learned = counts_learned(examples, night, workspace.dataset)
    return workspace.store.replace("daily_counts", EqualTo("known_on", night), learned)


def snapshot_histories(workspace: Workspace, as_of: date) -> dict[str, int]:
    """Write each history as of the start of a day to its feature table."""
    from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan
    from pyspark.sql import functions as F

    windows = workspace.dataset.windows_days
    reach = And(GreaterThanOrEqual("known_on", as_of - timedelta(days=max(windows))), LessThan("known_on", as_of))
    counts = workspace.store.read(workspace.engine, "daily_counts", reach)
    summed = windowed(counts, as_of, windows, measure_sums(workspace.dataset)).cache()
    rows = {}
    for name in history_keys(workspace.dataset):
        table = f"features_{name}"
        rows[table] = workspace.store.replace(table, EqualTo("dt", as_of), summed.where(F.col("history") == name))
    summed.unpersist()
    return rows


def histories_as_of(workspace: Workspace, day: date) -> Callable[[str], DataFrame]:
    """Reads a history's feature table as of the start of `day`."""
    from pyiceberg.expressions import EqualTo

    return lambda name: workspace.store.read(workspace.engine, f"features_{name}", EqualTo("dt", day))


def examples_with_features(workspace: Workspace, day: date) -> DataFrame:
    """The examples of one day with the features that held when it began."""
    from pyiceberg.expressions import EqualTo

    examples = workspace.store.read(workspace.engine, "examples", EqualTo("dt", day))
    return with_histories(examples, histories_as_of(workspace, day), workspace.dataset)


def materialise_training_examples(workspace: Workspace, days: Sequence[date]) -> int:
    """Write the training examples of some mature days."""
    from pyiceberg.expressions import In

    if not days:
        return 0
    examples = [examples_with_features(workspace, day) for day in days]
    return workspace.store.replace("training_examples", In("dt", days), *examples)
