"""Which days of a table retention has removed: the table's own properties tell, set in the commit that removed them."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.store.tables import Store

SINCE = "ctr.kept-since"
REMOVED = "ctr.removed-days"


def kept_since(store: Store, name: str) -> date | None:
    """The first day that retention has left a table; None where it has removed nothing."""
    told = store.told(name, SINCE)
    return date.fromisoformat(told) if told else None


def removed_days(store: Store, name: str) -> list[date]:
    """The days that were removed from a table, where their names still count; in order."""
    return [date.fromisoformat(day) for day in json.loads(store.told(name, REMOVED) or "[]")]
