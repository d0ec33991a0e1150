"""Retention: old days of raw and derived tables are removed, never one that anything to come still reads.

Records stay for good: landings, quality, decisions, trainings, promotions, runs. So do the snapshots that models were
trained on, with their files: retention takes days out of the latest snapshot alone.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

from jobs.label_days import horizon_days
from jobs.landing.landed import ALWAYS
from jobs.lost_days import RECORDS
from jobs.night_facts import first_looked_at
from jobs.promotions import latest_landed
from jobs.store.commits import removed
from jobs.store.kept_days import REMOVED, SINCE, kept_since, removed_days
from jobs.training_data import described_days, mature_days, training_reach
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

TRAINING_EXAMPLES = "training_examples"


def first_needed(workspace: Workspace, latest: date) -> date:
    """The first day that nights from the one after `latest` on, late rows, and trainings as of `latest` may read.

    That reaches over open attribution windows, late rows, the training, validation and holdout days of a training now,
    and the features' longest window before all of these; and over what the data gate and the decision look back on.
    """
    dataset, settings = workspace.dataset, workspace.settings
    longest = timedelta(days=max(dataset.windows_days))
    reach = timedelta(days=horizon_days(dataset) + dataset.late_days + dataset.maturity_days)
    trained_on = mature_days(workspace, latest)[-training_reach(workspace) :]
    return min(
        min(latest - reach, *trained_on[:1]) - longest,
        latest - timedelta(days=settings.feed.volume_days),
        first_looked_at(workspace, latest),
    )


def expire_days(workspace: Workspace) -> dict[str, object]:
    """Remove the days before those that the setting keeps; returns the first day kept and how many files went.

    Days count back from the latest night that has landed, not from today.
    """
    keep, latest = workspace.settings.maintenance.keep_days, latest_landed(workspace)
    if keep is None or latest is None:
        return {"days_kept_since": None, "files_of_old_days": 0}
    cut = min(latest - timedelta(days=keep), first_needed(workspace, latest))
    files = sum(_expire(workspace, name, cut) for name in _tables(workspace))
    return {"days_kept_since": cut.isoformat(), "files_of_old_days": files}


def _tables(workspace: Workspace) -> list[str]:
    """Those that are retained for a time, training examples first: they tell which days matured."""
    names = [name for name in workspace.store.made() if name not in RECORDS]
    return sorted(names, key=lambda name: name != TRAINING_EXAMPLES)


def _expire(workspace: Workspace, name: str, cut: date) -> int:
    """Remove the days of one table before `cut`. Of attributes the snapshot that held on that day stays."""
    store = workspace.store
    if name.startswith("attributes_"):
        cut = store.latest_day(name, cut) or cut
    before = kept_since(store, name)
    if before is not None and before >= cut:
        return 0
    properties = {SINCE: cut.isoformat()}
    if name == TRAINING_EXAMPLES:
        gone = [*removed_days(store, name), *(day for day in described_days(workspace) if day < cut)]
        properties[REMOVED] = json.dumps([day.isoformat() for day in sorted(set(gone))])
    return removed(lambda: store.table(name), _before(store.specs[name].partition[0], cut), properties)


def _before(column: str, cut: date) -> BooleanExpression:
    """The days before `cut`, but not what holds always."""
    from pyiceberg.expressions import And, GreaterThan, LessThan

    return And(LessThan(column, cut), GreaterThan(column, ALWAYS))
