"""What a night does to the store and to the report site, without the engine: the same commits to the same tables.

A night of real steps takes seconds, most of them in the engine, whose work does not depend on how many nights there
were. What does is here: catalog, metadata, manifests, data files, plans of reads, the index of the report site.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from many_nights import DRIFT
from pyiceberg.expressions import And, BooleanExpression, EqualTo, In

from jobs.evaluate import FINAL, OVERALL, PROVISIONAL
from jobs.monitor import stored
from jobs.night import STEPS
from jobs.report import write_site
from jobs.store.spans import between
from jobs.workspace import Workspace
from monitoring.signals import NightFacts

ROWS = 20
TRAIN_EVERY = 28
OPEN = 3
"""Days whose examples a night writes: its own and those that are open or touched late."""


def run_store_night(workspace: Workspace, night: date, number: int) -> bool:
    """Commit what the steps of a night commit, read what they read of the past; says whether it trained."""
    tomorrow = night + timedelta(days=1)
    days = [night - timedelta(days=back) for back in range(OPEN)]
    _put(workspace, "impressions", EqualTo("arrived", night), [night], arrived=night)
    for table in ("clicks", "quarantine", "attributes_ads"):
        _put(workspace, table, EqualTo("dt", night), [night])
    balance = {"source": "impressions", "files": "[]", "landed": ROWS, "used": ROWS, "duplicates": 0, "quarantined": 0}
    _put(workspace, "landings", EqualTo("dt", night), [night], rows=1, **balance)
    _put(workspace, "candidates", EqualTo("dt", tomorrow), [tomorrow])
    _put(workspace, "examples", In("dt", days), days)
    _put(workspace, "daily_counts", EqualTo("known_on", night), [night])
    for table in [name for name in workspace.store.specs if name.startswith("features_")]:
        _put(workspace, table, EqualTo("dt", tomorrow), [tomorrow])
    _put(workspace, "training_examples", In("dt", days[1:]), days[1:])
    _put(workspace, "predictions", EqualTo("dt", tomorrow), [tomorrow])
    for day, state in ((night, PROVISIONAL), (days[1], FINAL)):
        part = And(EqualTo("dt", day), EqualTo("state", state))
        _put(workspace, "quality", part, [day], rows=6, state=state, **_quality())
    decision = {"verdict": "ok", "cause": "none", "reasons": "[]", "facts": stored(asdict(NightFacts(night)))}
    _put(workspace, "decisions", EqualTo("dt", night), [night], rows=1, **decision, drift=stored(DRIFT.to_dict()))
    _look_back(workspace, night)
    for step in STEPS:
        part = And(EqualTo("dt", night), EqualTo("step", step))
        measured = {"rows_in": ROWS, "seconds": 1.0, "rows_per_second": 20.0, "cpu_seconds": 1.0}
        measured |= {"peak_mb": 300.0, "bytes_written": 5_000, "detail": json.dumps({"step": step})}
        _put(workspace, "runs", part, [night], rows=1, step=step, **measured)
    trained = number % TRAIN_EVERY == TRAIN_EVERY - 1
    if trained:
        _train(workspace, night, str(number // TRAIN_EVERY + 1))
    write_site(workspace, night)
    return trained


def _look_back(workspace: Workspace, night: date) -> None:
    """Plans of reads as the steps and their digests make them."""
    store = workspace.store
    for table in ("impressions", "examples", "quality", "training_examples"):
        store.days(table, between(night - timedelta(days=9), night))
    store.days("training_examples")
    store.days("landings")


def _train(workspace: Workspace, night: date, version: str) -> None:
    verdict = {"promote": True, "champion": "", "checks": []}
    training = {"model": "logistic_regression", "version": version, "promoted": True, "trigger": "by hand"}
    training |= {"trained_on": night, "ne": 0.9, "verdict": json.dumps(verdict), "metrics": "{}", "withdrawn": False}
    training |= {"snapshot": workspace.store.snapshot("training_examples"), "approval": "gate", "split": "{}"}
    _put(workspace, "trainings", EqualTo("dt", night), [night], rows=1, **training)
    change = {"model": "logistic_regression", "version": version, "by": "promotion gate", "action": "gate"}
    _put(workspace, "promotions", EqualTo("dt", night), [night], rows=1, **change, reason="by hand")


def _quality() -> dict[str, Any]:
    figures = {"impressions": 1000, "clicks": 100, "ctr": 0.1, "ne": 0.9, "auc": 0.7, "log_loss": 0.3}
    return {"model": "mix", "version": "1", "slice": OVERALL, "calibration_ratio": 1.0, "ece": 0.0} | figures


def _put(
    workspace: Workspace, table: str, where: BooleanExpression, days: Sequence[date], rows: int = ROWS, **values: Any
) -> None:
    spec = workspace.store.specs[table]
    row = dict.fromkeys(spec.columns) | values
    if "impression_id" in spec.columns:
        row |= {"impression_id": "i"}
    if "arrived" in spec.columns:
        row = {"arrived": days[0]} | {key: value for key, value in row.items() if value is not None or key != "arrived"}
    found = [row | {spec.partition[0]: day} for day in days for _ in range(rows)]
    workspace.store.replace_rows(table, where, found)
