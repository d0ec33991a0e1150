"""Monitor: drift against the champion's reference, the decision that follows, and the night's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from jobs.champion import ModelVersion, bundle_folder, champion_as_of
from jobs.feature_list import watched_columns
from jobs.night_facts import facts_looked_at
from jobs.step import StepResult
from jobs.training_data import days_needed
from jobs.workspace import Workspace
from monitoring.decision import Decision, decide
from monitoring.measures import DriftMeasures
from monitoring.site import night_folder

if TYPE_CHECKING:
    import pandas as pd

DECIMALS = 9
MOST_CATEGORIES = 64
"""A column with more values in the reference is an id whose values come and go: its mix is no sign of drift."""
EVIDENTLY_PAGE, EVIDENTLY_FIGURES = "evidently.html", "evidently.json"


def monitor(workspace: Workspace, night: date) -> StepResult:
    """Measure drift and decay, decide, and write both down."""
    from pyiceberg.expressions import EqualTo

    from jobs.report import write_site

    # A champion that this very decision led to does not count, or the night run again would judge another model.
    champion = champion_as_of(workspace, night - timedelta(days=1))
    drift = measured_drift(workspace, night, champion)
    history = facts_looked_at(workspace, night, champion, drift)
    training = workspace.settings.training
    monitoring = workspace.settings.monitoring
    needed = days_needed(workspace)
    decision = decide(history, monitoring.retraining, monitoring.drift, needed)
    row = {
        "dt": night,
        "verdict": decision.verdict,
        "cause": decision.cause,
        "reasons": json.dumps(decision.reasons),
        "facts": stored(asdict(history[-1])),
        "drift": stored(drift.to_dict()) if drift else None,
    }
    workspace.store.replace_rows("decisions", EqualTo("dt", night), [row])
    page = write_site(workspace, night)
    return StepResult(
        "monitor", night, {"decisions": 1}, told(decision) | {"report": str(page), "models": training.models}
    )


def stored(values: Mapping[str, Any]) -> str:
    """Plain values as JSON. Digits of a float that depend on the order in which rows were added up are left out."""
    text = json.dumps(values, default=str)
    return json.dumps(json.loads(text, parse_float=lambda number: round(float(number), DECIMALS)))


def told(decision: Decision) -> dict[str, Any]:
    """The decision in plain values."""
    return {"verdict": decision.verdict, "cause": decision.cause, "reasons": list(decision.reasons)}


def measured_drift(workspace: Workspace, night: date, champion: ModelVersion | None) -> DriftMeasures | None:
    """The night's impressions against the champion's reference; None without a champion or without impressions."""
    if champion is None:
        return None
    import pandas as pd

    from monitoring.drift import DriftColumns, measure_drift

    reference = pd.read_parquet(bundle_folder(workspace, champion.version) / "reference.parquet")
    current = night_sample(workspace, night)
    if current.empty:
        return None
    categorical, numeric = watched_columns(workspace.dataset)
    few = [name for name in categorical if reference[name].nunique() <= MOST_CATEGORIES]
    folder = night_folder(workspace.reports, night)
    folder.mkdir(parents=True, exist_ok=True)
    return measure_drift(
        current,
        reference,
        DriftColumns(tuple(few), numeric),
        workspace.settings.monitoring.drift,
        html=folder / EVIDENTLY_PAGE,
        json_file=folder / EVIDENTLY_FIGURES,
    )


def night_sample(workspace: Workspace, night: date) -> pd.DataFrame:
    """A sample of the night's impressions, drawn the same way each time: watched columns, p_click, label."""
    from pyiceberg.expressions import EqualTo
    from pyspark.sql import functions as F

    store, spark = workspace.store, workspace.engine
    categorical, numeric = watched_columns(workspace.dataset)
    label = "clicked_provisional" if workspace.dataset.maturity_days else "clicked"
    # What arrived late came after the decision.
    examples = store.read(spark, "examples", EqualTo("dt", night)).where(F.col("arrived") <= F.lit(night))
    predictions = store.read(spark, "predictions", EqualTo("dt", night)).select("pair_id", "p_click")
    wanted = [*map(F.col, (*categorical, *numeric)), F.col(label).alias("clicked")]
    # Impressions of pairs that nobody could score say nothing about the predictions; on a day without any, all count.
    how = "inner" if store.files("predictions", EqualTo("dt", night)) else "left"
    joined = examples.select("pair_id", "impression_id", *wanted).join(predictions, on="pair_id", how=how)
    drawn = joined.orderBy(F.xxhash64("impression_id"), "impression_id")
    sample = drawn.limit(workspace.settings.monitoring.drift.sample_rows)
    return sample.drop("pair_id", "impression_id").toPandas()
