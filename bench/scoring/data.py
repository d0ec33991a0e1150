"""Rows to score: training examples of the simulated log, repeated until there are enough, and the model's parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROWS_A_FILE = 500_000


def make_rows(folder: Path, home: Path, rows: int) -> dict[str, Any]:
    """What every scoring side is given: Parquet files of `rows` rows, the home, and the version to score with."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from jobs.champion import bundle_folder
    from jobs.trainings import every_training
    from jobs.workspace import open_workspace

    workspace = open_workspace(home=home)
    version = every_training(workspace)[-1]["version"]
    place = folder / f"rows-{home.name}-{rows}"
    if not place.is_dir():
        parts = json.loads((home / "bench.json").read_text(encoding="utf-8"))
        source = pa.concat_tables([pq.read_table(file, partitioning=None) for file in parts["train"]])
        if "pair_id" not in source.column_names:
            source = source.append_column("pair_id", source["impression_id"])
        partial = place.with_suffix(".partial")
        partial.mkdir(parents=True, exist_ok=True)
        for number, first in enumerate(range(0, rows, ROWS_A_FILE)):
            chosen = [row % source.num_rows for row in range(first, min(first + ROWS_A_FILE, rows))]
            pq.write_table(source.take(chosen), partial / f"{number:04}.parquet", row_group_size=100_000)
        partial.rename(place)
    files = sorted(str(file) for file in place.glob("*.parquet"))
    bundle = str(bundle_folder(workspace, version) / "bundle")
    return {"home": str(home), "version": version, "bundle": bundle, "files": files, "rows": rows}
