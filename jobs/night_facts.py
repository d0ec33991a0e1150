"""What is known of each night when a decision is made: drift, quality as known by then, trainings, broken input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from itertools import takewhile
from typing import Any

from features.evidence import evidence_slices
from jobs.champion import ModelVersion
from jobs.evaluate import FINAL, PROVISIONAL, overall_row
from jobs.store.spans import between
from jobs.training_data import days_that_matured
from jobs.trainings import asking_cause, gate_passed, promised_ne, trainings
from jobs.workspace import Workspace
from monitoring.decision import CAUSES_BY_RANK
from monitoring.measures import DriftMeasures
from monitoring.signals import NightFacts

NEW_ADS = "ad_seen=never"


@dataclass(frozen=True)
class KnownQuality:
    """The rows of `quality` of some days, as far as they are known on a night, and what each version promised."""

    by_day: Mapping[date, Sequence[Mapping[str, Any]]]
    promised: Mapping[str, float]
    last_final: date
    """Labels of days up to this one were final on the night."""
    tells_new_ads: bool

    @classmethod
    def of(cls, workspace: Workspace, first: date, night: date) -> KnownQuality:
        """Of the days from `first` to `night`, as known on `night`."""
        by_day: dict[date, list[Mapping[str, Any]]] = {}
        for row in workspace.store.rows("quality", between(first, night)):
            by_day.setdefault(row["dt"], []).append(row)
        return cls(
            by_day,
            promised_ne(workspace),
            night - timedelta(days=workspace.dataset.maturity_days),
            any(slice_.name == "ad_seen" for slice_ in evidence_slices(workspace.dataset)),
        )

    def told(self, facts: NightFacts) -> NightFacts:
        """`facts` with the quality of their day: from final labels if those are known, else from provisional ones."""
        ripe = facts.day <= self.last_final
        rows = [row for row in self.by_day.get(facts.day, ()) if row["state"] == (FINAL if ripe else PROVISIONAL)]
        overall = overall_row(rows)
        if overall is None:
            return facts
        of_new_ads = (row for row in rows if row["slice"] == NEW_ADS and row["version"] == overall["version"])
        unseen = sum(row["impressions"] for row in of_new_ads)
        return replace(
            facts,
            ctr=overall["ctr"],
            ne=overall["ne"],
            ne_promised=self.promised.get(overall["version"]),
            calibration_ratio=overall["calibration_ratio"],
            impressions=overall["impressions"],
            labels_final=ripe,
            new_ads_share=unseen / overall["impressions"] if self.tells_new_ads else None,
            scored_by=f"{overall['model']} v{overall['version']}",
        )


def first_looked_at(workspace: Workspace, night: date) -> date:
    """The earliest night that the decision of `night` may take into account."""
    policy = workspace.settings.monitoring.retraining
    return night - timedelta(days=policy.nights_looked_at + policy.cooldown_days + workspace.dataset.maturity_days)


def facts_looked_at(
    workspace: Workspace, night: date, champion: ModelVersion | None, drift: DriftMeasures | None
) -> list[NightFacts]:
    """The facts of `night` and of the nights that the policy looks back on, with labels that have matured since."""
    first = first_looked_at(workspace, night)
    rows = workspace.store.rows("decisions", between(first, night - timedelta(days=1)))
    quality = KnownQuality.of(workspace, first, night)
    earlier = [quality.told(facts_from_json(row["facts"])) for row in rows]
    return [*earlier, quality.told(facts_of(workspace, night, champion, drift))]


def facts_of(
    workspace: Workspace, night: date, champion: ModelVersion | None, drift: DriftMeasures | None
) -> NightFacts:
    """What is known of the night when its decision is made, but for its quality."""
    from pyiceberg.expressions import LessThan

    before = trainings(workspace, LessThan("dt", night))
    facts = NightFacts(
        day=night,
        mature_days=len(days_that_matured(workspace, night)),
        has_champion=champion is not None,
        champion=champion.label if champion else "",
        champion_trained_on=champion.trained_on if champion else None,
        last_training=max((row["dt"] for row in before), default=None),
        rejected_trainings=rejected_in_a_row(before),
        learned_amid=change_answered(before, champion),
    )
    if drift is None:
        return facts
    return replace(
        facts,
        drifted_columns=drift.drifted_columns,
        drift_share=drift.drift_share,
        broken=broken_columns(drift),
        prediction_distance=drift.prediction_distance,
        ctr_reference=drift.ctr_reference,
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


def change_answered(before: Sequence[Mapping[str, Any]], champion: ModelVersion | None) -> str:
    """The change because of which the champion was trained, if that was the last training; else empty."""
    if champion is None or not before or before[-1]["version"] != champion.version:
        return ""
    cause = asking_cause(before[-1])
    return cause if cause in CAUSES_BY_RANK else ""


def facts_from_json(text: str) -> NightFacts:
    """The facts as a decision's row keeps them."""
    values = json.loads(text)
    for name in ("day", "champion_trained_on", "last_training"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    for name in ("broken", "drifted_columns"):
        values[name] = tuple(values[name])
    known = {field.name for field in fields(NightFacts)}
    return NightFacts(**{name: value for name, value in values.items() if name in known})
