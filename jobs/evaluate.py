"""Evaluate: what the predictions were worth, first with provisional labels, later with final ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from conf.plain_text import one_line
from features.evidence import evidence_levels, evidence_slices
from features.histories import history_keys, key_of
from jobs.feature_tables import histories_as_of
from jobs.label_days import final_days, open_days
from jobs.step import StepResult
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    from pyiceberg.expressions import BooleanExpression
    from pyspark.sql import DataFrame

    from conf.dataset import Dataset

OVERALL = "all"
PROVISIONAL, FINAL = "provisional", "final"


def evaluate(workspace: Workspace, night: date) -> StepResult:
    """Measure the predictions of every day whose attribution window was still open before this night.

    A day's provisional figures are of what had arrived when the day ended, its final ones of what had arrived when its
    attribution window closed. What comes later still belongs to examples and histories, but does not change figures
    that decisions have been made from.
    """
    rows, coverage, measured = [], {}, []
    maturity = workspace.dataset.maturity_days
    days = open_days(workspace, night)
    final = final_days(workspace, days)
    for day in days:
        states = [(PROVISIONAL, 0)] if maturity else []
        states += [(FINAL, maturity)] if day in final else []
        frame, shown = scored_examples(workspace, day)
        coverage[day.isoformat()] = round(len(frame) / shown, 4) if shown else None
        for state, nights_after in states:
            known = frame[frame["lag"] <= nights_after]
            labelled = known.assign(clicked=(known["click_lag"] <= nights_after).astype("int64"))
            rows += quality_rows(labelled, day, state, "clicked", slice_names(workspace.dataset))
            measured.append((day, state))
    written = workspace.store.replace_rows("quality", _parts(measured), rows)
    return StepResult("evaluate", night, {"quality": written}, {"share_of_impressions_scored": coverage})


def _parts(measured: Iterable[tuple[date, str]]) -> BooleanExpression:
    """The partitions of `quality` for some days in some states."""
    from pyiceberg.expressions import AlwaysFalse, And, EqualTo, Or

    parts: BooleanExpression = AlwaysFalse()
    for day, state in measured:
        parts = Or(parts, And(EqualTo("dt", day), EqualTo("state", state)))
    return parts


def slice_names(dataset: Dataset) -> tuple[str, ...]:
    """The slicing columns: those declared, then how much was known of the user and the ad when the day began."""
    return (*dataset.slices, *(slice_.name for slice_ in evidence_slices(dataset)))


def scored_examples(workspace: Workspace, day: date) -> tuple[pd.DataFrame, int]:
    """The day's impressions that had been scored, with p and slicing columns; and how many were shown in all.

    `lag` and `click_lag` are the nights from the day shown to the one on which the impression and its click arrived.
    """
    from pyiceberg.expressions import EqualTo
    from pyspark.sql import functions as F

    store, spark = workspace.store, workspace.engine
    examples = store.read(spark, "examples", EqualTo("dt", day))
    predictions = store.read(spark, "predictions", EqualTo("dt", day)).select("pair_id", "p_click", "model", "version")
    lag = F.datediff("arrived", "dt").alias("lag")
    click_lag = F.datediff("click_arrived", "dt").cast("double").alias("click_lag")  # no click is NaN: never in time
    described = with_evidence(workspace, examples, day)
    slices = slice_names(workspace.dataset)
    joined = described.select("pair_id", lag, click_lag, *slices).join(predictions, on="pair_id", how="inner")
    frame = joined.select("p_click", "model", "version", "lag", "click_lag", *slices).toPandas()
    for slice_ in evidence_slices(workspace.dataset):
        frame[slice_.name] = evidence_levels(frame[slice_.name])
    return frame, examples.count()


def with_evidence(workspace: Workspace, examples: DataFrame, day: date) -> DataFrame:
    """The examples with a column for each slice by evidence: the impressions known of its subject as the day began."""
    from pyspark.sql import functions as F

    described, keys = examples, history_keys(workspace.dataset)
    snapshot = histories_as_of(workspace, day)
    for slice_ in evidence_slices(workspace.dataset):
        key = f"{slice_.name}__key"
        known = snapshot(slice_.history).select(F.col("key").alias(key), F.col(slice_.column).alias(slice_.name))
        described = described.join(known, on=key_of(keys[slice_.history]) == F.col(key), how="left").drop(key)
    return described


def quality_rows(
    frame: pd.DataFrame, day: date, state: str, label: str, slices: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Rows of the table `quality`: overall and by slice, for each model version that scored the day."""
    from models.metrics import Evaluation, evaluation, evaluation_by_slice

    def row(model: str, version: str, slice_name: str, found: Evaluation) -> dict[str, Any]:
        key = {"dt": day, "state": state, "model": model, "version": version, "slice": slice_name}
        return key | {name: getattr(found, name) for name in METRICS}

    rows = []
    for (model, version), part in frame.groupby(["model", "version"], sort=True):
        p, y = part["p_click"].to_numpy(), part[label].to_numpy()
        rows.append(row(str(model), str(version), OVERALL, evaluation(p, y)))
        for found in evaluation_by_slice(p, y, {name: part[name] for name in slices}):
            rows.append(
                row(str(model), str(version), f"{found.slice_name}={one_line(found.slice_value)}", found.evaluation)
            )
    return rows


def overall_row(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Of a day's rows in one state, the overall one of the version that scored most; None where nothing was scored."""
    overall = (row for row in rows if row["slice"] == OVERALL)
    return max(overall, key=lambda row: row["impressions"], default=None)


METRICS = ("impressions", "clicks", "ctr", "ne", "auc", "log_loss", "calibration_ratio", "ece")
