"""Monitor: drift against the champion's reference, the decision that follows, and the night's pages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import date, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from features.evidence import evidence_slices
from jobs.champion import ModelVersion, bundle_folder, champion_as_of
from jobs.evaluate import FINAL, OVERALL, PROVISIONAL
from jobs.feature_list import watched_columns
from jobs.step import StepResult
from jobs.training_data import days_needed, mature_days
from jobs.trainings import every_training, gate_passed, trainings
from jobs.workspace import Workspace
from monitoring.decision import Decision, decide
from monitoring.measures import DriftMeasures
from monitoring.signals import NightFacts
from monitoring.site import night_folder

if TYPE_CHECKING:
    import pandas as pd

    from conf.dataset import Dataset

DECIMALS = 9
MOST_CATEGORIES = 64
"""A column with more values in the reference is an id whose values come and go: its mix is no sign of drift."""
NEW_ADS = "ad_seen=never"
EVIDENTLY_PAGE, EVIDENTLY_FIGURES = "evidently.html", "evidently.json"


def monitor(workspace: Workspace, night: date) -> StepResult:
    """Measure drift and decay, decide, and write both down."""
    from pyiceberg.expressions import EqualTo

    from jobs.report import write_site

    # A champion that this very decision led to does not count, or the night run again would judge another model.
    champion = champion_as_of(workspace, night - timedelta(days=1))
    drift = measured_drift(workspace, night, champion)
    facts = facts_of(workspace, night, champion, drift)
    training = workspace.settings.training
    monitoring = workspace.settings.monitoring
    history = [*earlier_facts(workspace, night), facts]
    needed = days_needed(workspace)
    decision = decide(history, monitoring.retraining, monitoring.drift, needed)
    row = {
        "dt": night,
        "verdict": decision.verdict,
        "cause": decision.cause,
        "reasons": json.dumps(decision.reasons),
        "facts": stored(asdict(facts)),
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


def facts_of(
    workspace: Workspace, night: date, champion: ModelVersion | None, drift: DriftMeasures | None
) -> NightFacts:
    """What is known of the night when its decision is made."""
    from pyiceberg.expressions import LessThan

    before = trainings(workspace, LessThan("dt", night))
    facts = NightFacts(
        day=night,
        mature_days=len(mature_days(workspace, night)),
        has_champion=champion is not None,
        champion=champion.label if champion else "",
        champion_trained_on=champion.trained_on if champion else None,
        last_training=max((row["dt"] for row in before), default=None),
        rejected_trainings=rejected_in_a_row(before),
    )
    if drift is not None:
        facts = replace(
            facts,
            drifted_columns=drift.drifted_columns,
            drift_share=drift.drift_share,
            broken=broken_columns(drift),
            prediction_distance=drift.prediction_distance,
            ctr_reference=drift.ctr_reference,
        )
    return with_quality(workspace, facts, night)


def with_quality(workspace: Workspace, facts: NightFacts, known_on: date) -> NightFacts:
    """`facts` with the quality of its day: from final labels if those were known on `known_on`, else provisional."""
    from pyiceberg.expressions import EqualTo

    maturity = workspace.dataset.maturity_days
    ripe = facts.day + timedelta(days=maturity) <= known_on
    state = FINAL if ripe else PROVISIONAL
    rows = workspace.store.rows("quality", EqualTo("dt", facts.day))
    overall = [row for row in rows if row["slice"] == OVERALL and row["state"] == state]
    if not overall:
        return facts
    row = max(overall, key=lambda row: row["impressions"])
    same = [other for other in rows if (other["state"], other["version"]) == (state, row["version"])]
    unseen = sum(other["impressions"] for other in same if other["slice"] == NEW_ADS)
    promised = {training["version"]: training["ne"] for training in every_training(workspace)}
    return replace(
        facts,
        ctr=row["ctr"],
        ne=row["ne"],
        ne_promised=promised.get(row["version"]),
        calibration_ratio=row["calibration_ratio"],
        impressions=row["impressions"],
        labels_final=ripe,
        new_ads_share=unseen / row["impressions"] if knows_ads(workspace.dataset) else None,
        scored_by=f"{row['model']} v{row['version']}",
    )


def broken_columns(drift: DriftMeasures) -> tuple[str, ...]:
    """Why the night's columns cannot be believed: values that are gone, or that have changed their unit."""
    gone = [f"`{name}` holds no values, and did in the reference." for name in drift.missing_columns]
    rescaled = [
        f"`{name}` is {factor:.3g} times what it was in the reference, in the same shape: its unit seems to have "
        "changed. If that is meant, raise `monitoring.drift.unit_factor` and run the monitoring again."
        for name, factor in drift.rescaled_columns.items()
    ]
    return (*gone, *rescaled)


def rejected_in_a_row(before: Sequence[Mapping[str, Any]]) -> int:
    """How many of the latest trainings the gate refused, one after the other."""
    return sum(1 for _ in takewhile(lambda row: not gate_passed(row), reversed(before)))


def knows_ads(dataset: Dataset) -> bool:
    """Whether quality tells ads that were never seen from others."""
    return any(slice_.name == "ad_seen" for slice_ in evidence_slices(dataset))


def earlier_facts(workspace: Workspace, night: date) -> list[NightFacts]:
    """The facts of the nights that the policy looks back on, with the labels that have matured since."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

    policy = workspace.settings.monitoring.retraining
    since = night - timedelta(days=policy.nights_looked_at + policy.cooldown_days + workspace.dataset.maturity_days)
    rows = workspace.store.rows("decisions", And(GreaterThanOrEqual("dt", since), LessThan("dt", night)))
    return [with_quality(workspace, facts_from_json(row["facts"]), night) for row in rows]


def facts_from_json(text: str) -> NightFacts:
    """The facts as a decision's row keeps them."""
    values = json.loads(text)
    for name in ("day", "champion_trained_on", "last_training"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    for name in ("broken", "drifted_columns"):
        values[name] = tuple(values[name])
    known = {field.name for field in fields(NightFacts)}
    return NightFacts(**{name: value for name, value in values.items() if name in known})
