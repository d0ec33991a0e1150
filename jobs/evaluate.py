"""Evaluate: what the predictions were worth, first with provisional labels, later with final ones."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from jobs.label import days_to_label, is_final
from jobs.step import StepResult
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

OVERALL = "all"
PROVISIONAL, FINAL = "provisional", "final"


def evaluate(workspace: Workspace, night: date) -> StepResult:
    """Measure the predictions of every day whose labels this night changed."""
    from pyiceberg.expressions import And, EqualTo

    rows, coverage = 0, {}
    for day in days_to_label(workspace, night):
        states = [(PROVISIONAL, "clicked_provisional")] if workspace.dataset.maturity_days else []
        states += [(FINAL, "clicked")] if is_final(workspace, day) else []
        frame, shown = scored_examples(workspace, day)
        coverage[day.isoformat()] = round(len(frame) / shown, 4) if shown else None
        for state, label in states:
            metrics = quality_rows(frame, day, state, label, workspace.dataset.slices)
            rows += workspace.store.replace_rows("quality", And(EqualTo("dt", day), EqualTo("state", state)), metrics)
    return StepResult("evaluate", night, {"quality": rows}, {"share_of_impressions_scored": coverage})


def scored_examples(workspace: Workspace, day: date) -> tuple[pd.DataFrame, int]:
    """The day's impressions that had been scored, with p, both labels and slices; and how many were shown in all."""
    from pyiceberg.expressions import EqualTo

    store, spark = workspace.store, workspace.engine
    examples = store.read(spark, "examples", EqualTo("dt", day))
    predictions = store.read(spark, "predictions", EqualTo("dt", day)).select("pair_id", "p_click", "model", "version")
    wanted = ("clicked", "clicked_provisional", *workspace.dataset.slices)
    joined = examples.select("pair_id", *wanted).join(predictions, on="pair_id", how="inner")
    return joined.select("p_click", "model", "version", *wanted).toPandas(), examples.count()


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
            rows.append(row(str(model), str(version), f"{found.slice_name}={found.slice_value}", found.evaluation))
    return rows


METRICS = ("impressions", "clicks", "ctr", "ne", "auc", "log_loss", "calibration_ratio", "ece")
