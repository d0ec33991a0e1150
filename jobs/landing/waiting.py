"""Rows that have landed and that no night has taken in yet."""

from __future__ import annotations

from typing import Any

from jobs.landing.log_days import days_of_the_log
from jobs.landing.whole_logs import whole_logs
from jobs.workspace import Workspace


def waiting(workspace: Workspace) -> list[dict[str, Any]]:
    """Rows of staged files that no night has taken in, by kind, and between which days they lie."""
    taken: dict[str, set[str]] = {}
    for row in workspace.store.rows("landings"):
        taken.setdefault(row["source"], set()).add(row["dt"].isoformat())
    found = []
    for source, log in whole_logs(workspace).items():
        rows = log.rows_by_day()
        own, here = days_of_the_log(rows), taken.get(source, set())
        left = [name for name in own if name not in here]
        strays = 0 if here & {*own[:1]} else sum(rows[name] for name in rows.keys() - {*own})
        if source != "candidates" and (left or strays):
            count = sum(rows[name] for name in left) + strays
            found.append(
                {"source": source, "rows": count, "days": [left[0], left[-1]] if left else [], "undated": strays}
            )
    return found
