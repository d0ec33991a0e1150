"""Small logs with one thing wrong in each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from conf.dataset import Dataset
from jobs.description.check import CheckReport, check

HEADER = ("id", "user", "ad", "shown", "slot", "bid", "click")
Row = dict[str, str]


def row(number: int) -> Row:
    """One impression: ten minutes after the one before, every fifth clicked."""
    shown = datetime(2026, 1, 10) + timedelta(minutes=10 * number)
    values = (f"i{number}", f"u{number % 9}", f"a{number % 7}", f"{shown}", ("top", "side")[number % 2])
    return dict(zip(HEADER, (*values, f"{1 + number % 40 / 8}", str(int(number % 5 == 0))), strict=True))


DESCRIPTION = {
    "name": "small",
    "impressions": {
        "files": "log.csv",
        "format": "csv",
        "id": ["id"],
        "user": "user",
        "ad": "ad",
        "time": {"column": "shown"},
        "context": {"categorical": ["slot"], "numeric": ["bid"]},
    },
    "label": {"kind": "inline", "column": "click"},
    "histories": {"ad": {"keys": ["ad_id"]}},
    "candidates": {"kind": "replay"},
}

Checked = Callable[..., CheckReport]


@pytest.fixture
def checked(tmp_path: Path, engine) -> Checked:
    """Checks 200 rows; `change` makes each row what it should be, settings replace those of the impressions."""

    def run(change: Callable[[int, Row], Row] = lambda _, values: values, **impressions: object) -> CheckReport:
        rows = [change(number, row(number)) for number in range(200)]
        lines = [",".join(rows[0]), *(",".join(values.values()) for values in rows)]
        (tmp_path / "log.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        described = DESCRIPTION | {"impressions": {**DESCRIPTION["impressions"], **impressions}}
        return check(Dataset.model_validate(described), tmp_path, engine)

    return run
