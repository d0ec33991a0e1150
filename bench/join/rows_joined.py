"""Where a side writes the joined rows, and what is compared of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def counts(task: Mapping[str, Any]) -> Sequence[str]:
    """The columns that all sides yield: impressions and clicks of each history's windows."""
    return [
        f"{history}__{what}_{days}d"
        for history in task["histories"]
        for days in task["windows"]
        for what in ("impressions", "clicks")
    ]


def fresh_out(task: Mapping[str, Any]) -> Path:
    """The folder that a side writes to, which is not there yet."""
    out = Path(task["outs"]) / task["side"]
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    return out


def checked(task: Mapping[str, Any]) -> dict[str, Any]:
    """Rows, and the sum of row hashes over id and counts; a key without history counts as zero. The files go."""
    import duckdb

    out = Path(task["outs"]) / task["side"]
    values = ", ".join(f"coalesce({name}, 0)::BIGINT" for name in counts(task))
    query = f"SELECT count(*), sum(hash(impression_id, {values})::HUGEINT)::VARCHAR FROM read_parquet($1)"
    rows, hashes = duckdb.connect().execute(query, [f"{out}/*.parquet"]).fetchone() or (0, "")
    shutil.rmtree(out)
    return {"rows": rows, "hashes": hashes}
