"""Days of training examples in which clicks follow one context column, written straight into a store."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from pyiceberg.expressions import EqualTo

from jobs.store.schemas import specs

FIRST = date(2026, 1, 1)
ROWS = 150


def day(ahead):
    return FIRST + timedelta(days=ahead)


def fill(workspace, days):
    """Training examples whose clicks follow the tab, and the features that held when each day began."""
    columns = specs(workspace.dataset)["training_examples"].columns
    for number in days:
        random = np.random.default_rng(number)
        rows = []
        for position in range(ROWS):
            tab = str(random.integers(2))
            row = dict.fromkeys(columns) | {"dt": day(number), "arrived": day(number), "tab": tab}
            row |= {name: 0.5 for name in columns if "__ctr_" in name}
            row |= {"impression_id": f"{number}-{position}", "user_id": f"u{random.integers(40)}", "ad_id": "a"}
            rows.append(row | {"clicked": int(random.random() < (0.8 if tab == "1" else 0.2))})
        workspace.store.replace_rows("training_examples", EqualTo("dt", day(number)), rows)
        workspace.store.replace_rows("features_all", EqualTo("dt", day(number)), [{"dt": day(number), "key": "all"}])
