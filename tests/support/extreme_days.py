"""Days of a small log that no calm feed has: all clicked, none clicked, no rows, huge numbers, all values distinct."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from landing_files import write_csv

FIRST = date(2026, 1, 5)
HEADER = ("id", "user", "ad", "shown_at", "slot", "bid", "click")
DESCRIPTION: dict[str, Any] = {
    "name": "extreme",
    "impressions": {
        "files": "{date}/log.csv",
        "format": "csv",
        "id": ["id"],
        "user": "user",
        "ad": "ad",
        "time": {"column": "shown_at"},
        "context": {"categorical": ["slot"], "numeric": ["bid"]},
    },
    "label": {"kind": "inline", "column": "click"},
    "histories": {"user": {"keys": ["user_id"]}, "ad": {"keys": ["ad_id"]}, "slot": {"keys": ["slot"]}},
    "windows_days": [1, 7],
    "slices": ["slot"],
    "candidates": {"kind": "replay"},
}
HUGE = ("1e308", "-1e308", "1e39", "-1e39", "3.4028236e38", "1e-320")
"""Finite numbers, some of which are none in single precision, and whose sums are none in double."""


def land_day(data: Path, ahead: int, rows: int, what: str = "calm") -> date:
    """Land one day of the log, `ahead` days after the first."""
    day, draw = FIRST + timedelta(days=ahead), np.random.default_rng(ahead)
    users, ads = draw.integers(60, size=rows), draw.integers(20, size=rows)
    clicked = draw.random(rows) < np.where(ads % 2, 0.35, 0.1)
    cells = []
    for number in range(0 if what == "empty" else rows):
        at = datetime.combine(day, datetime.min.time()) + timedelta(seconds=number % 86_400)
        click = {"all clicked": True, "none clicked": False}.get(what, bool(clicked[number]))
        slot = f"value-{number:x}-{'x' * 20}" if what == "distinct" else ("top", "side")[number % 2]
        bid = HUGE[number % len(HUGE)] if what == "huge" and number % 3 else f"{1 + number % 40 / 8}"
        row = (f"{ahead}-{number}", f"u{users[number]}", f"a{ads[number]}", f"{at}", slot, bid, str(int(click)))
        cells.append(row)
    write_csv(data / str(day) / "log.csv", HEADER, cells)
    return day
