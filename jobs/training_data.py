"""What a training reads: its mature days, their examples, and the sample that later nights are compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from features.histories import ALL
from jobs.feature_list import model_columns, watched_columns
from jobs.store.addresses import readable
from jobs.store.kept_days import removed_days
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from pyiceberg.expressions import BooleanExpression

    from models.bundle import ModelBundle
    from models.split import TimeSplit


TIME_BLOCKS = 200
"""Blocks of time that a log without users is cut into where its rows are compared."""


def mature_days(workspace: Workspace, night: date) -> list[date]:
    """Days with training examples whose labels were final on `night`.

    A day for which no features had been computed when it began, such as the very first, is left out: its histories and
    attributes are missing as they never are at scoring. So is a day whose input its own night found broken: a model
    must not learn from it.
    """
    return _mature(workspace, night, described_days(workspace))


def days_that_matured(workspace: Workspace, night: date) -> list[date]:
    """The mature days of a night, and those that were until retention removed them: what is judged by how many there
    were must not change with them."""
    gone = removed_days(workspace.store, "training_examples")
    return _mature(workspace, night, sorted({*gone, *described_days(workspace)}))


def _mature(workspace: Workspace, night: date, days: Sequence[date]) -> list[date]:
    """Those of some days whose labels were final on `night`, and whose input their own night did not find broken."""
    from pyiceberg.expressions import LessThan

    ripe = night - timedelta(days=workspace.dataset.maturity_days)
    broken = broken_days(workspace, LessThan("dt", night))
    return [day for day in days if day <= ripe and day not in broken]


def training_reach(workspace: Workspace) -> int:
    """How many of the latest mature days a training looks at, at most."""
    training = workspace.settings.training
    return training.window_days + workspace.dataset.maturity_days + training.validation_days + training.holdout_days


def broken_days(workspace: Workspace, where: BooleanExpression) -> dict[date, list[str]]:
    """Days whose own decision found their input broken, and why."""
    from pyiceberg.expressions import And, EqualTo

    chosen = And(where, EqualTo("cause", "broken_input"))
    found = workspace.store.arrow("decisions", chosen, columns=("dt", "reasons")).to_pylist()
    return {row["dt"]: json.loads(row["reasons"]) for row in found}


def described_days(workspace: Workspace) -> list[date]:
    """Days with training examples for which features had been computed when they began."""
    described = set(workspace.store.days(f"features_{ALL}"))
    return [day for day in workspace.store.days("training_examples") if day in described]


def days_needed(workspace: Workspace) -> int:
    """Mature days without which no training is possible."""
    training = workspace.settings.training
    least = training.min_train_days + training.validation_days + training.holdout_days
    return least + workspace.dataset.maturity_days


def split_days(workspace: Workspace, days: Sequence[date], window_days: int) -> TimeSplit:
    """The latest mature days in order: training, a gap while labels mature, validation, holdout."""
    from models.split import time_split

    training, gap = workspace.settings.training, workspace.dataset.maturity_days
    kept = window_days + gap + training.validation_days + training.holdout_days
    return time_split(
        days[-kept:],
        validation_days=training.validation_days,
        holdout_days=training.holdout_days,
        gap_days=gap,
        min_train_days=training.min_train_days,
    )


def example_files(workspace: Workspace, days: Sequence[date]) -> list[str]:
    """The Parquet files of some days' training examples, in order of the days."""
    from pyiceberg.expressions import EqualTo

    files = [file for day in days for file in workspace.store.files("training_examples", EqualTo("dt", day))]
    return list(map(readable, files))


def rows_of_days(workspace: Workspace, days: Sequence[date]) -> int:
    """How many training examples some days hold, from the files' metadata."""
    from models.batches import dataset_of

    files = example_files(workspace, days)
    return int(dataset_of(files).count_rows()) if files else 0


def examples_table(workspace: Workspace, days: Sequence[date]) -> pa.Table:
    """Some days' training examples: features, label, id, time, user and slices."""
    from models.batches import dataset_of

    wanted = (
        *model_columns(workspace.dataset).all,
        "clicked",
        "impression_id",
        "event_time",
        *workspace.dataset.user_and_ad,
    )
    files = example_files(workspace, days)
    columns = list(dict.fromkeys((*wanted, *workspace.dataset.slices)))
    return dataset_of(files).to_table(columns=columns)


def clusters_of(rows: pa.Table) -> np.ndarray:
    """What makes rows depend on each other: the user or, in a log without users, closeness in time. Shape (rows,).

    Without users rows are cut into blocks that follow each other in time: hours would be too few to tell a gain from
    chance on one holdout day.
    """
    import numpy as np

    if "user_id" in rows.column_names:
        return rows["user_id"].to_pandas().to_numpy(dtype=object)
    times = rows["event_time"].to_pandas().to_numpy()
    block = np.empty(len(times), dtype=np.int64)
    block[np.argsort(times, kind="stable")] = np.arange(len(times)) * TIME_BLOCKS // max(len(times), 1)
    first = str(times.min())[:10] if len(times) else ""
    return np.array([f"{first} {number}" for number in block], dtype=object)


def evenly_sampled(rows: pa.Table, size: int) -> pa.Table:
    """At most `size` rows at even distances: the same rows each time."""
    import numpy as np

    if rows.num_rows <= size:
        return rows
    return rows.take(np.linspace(0, rows.num_rows - 1, size).astype(np.int64))


def write_reference(workspace: Workspace, bundle: ModelBundle, split: TimeSplit, file: Path) -> None:
    """A sample of the latest days of the training with its predictions: what drift is measured from."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from models.batches import dataset_of

    days = [*split.train, *split.validation, *split.holdout][-workspace.settings.training.reference_days :]
    categorical, numeric = watched_columns(workspace.dataset)
    kept = [*categorical, *numeric, "clicked"]
    wanted = dict.fromkeys([*kept, *model_columns(workspace.dataset).all])
    rows = dataset_of(example_files(workspace, days)).to_table(columns=list(wanted))
    sample = evenly_sampled(rows, workspace.settings.monitoring.drift.sample_rows)
    scored = sample.select(kept).append_column("p_click", pa.array(bundle.predict(sample), pa.float64()))
    pq.write_table(scored, file)


def click_rate(workspace: Workspace, days: Sequence[date]) -> float:
    """Clicks / impressions of some days' training examples."""
    import pyarrow.compute as pc

    from models.batches import dataset_of

    rows = dataset_of(example_files(workspace, days)).to_table(columns=["clicked"])
    return float(pc.mean(rows["clicked"]).as_py() or 0.0)
