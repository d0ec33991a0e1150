"""A home with feature tables of several mornings, the same as a Feast repository, and a day's examples to join."""

from __future__ import annotations

import shutil
from datetime import datetime, time
from pathlib import Path
from typing import Any

from bench.training.data import make_home


def make_join(folder: Path, impressions: int) -> dict[str, Any]:
    """What every side is given; the repository is made once.

    The day is the last one with labels and features. Its examples are a file as well, for sides without our tables.
    """
    import pyarrow.parquet as pq
    from pyiceberg.expressions import EqualTo

    from jobs.feast_repository import write_repository
    from jobs.training_data import described_days
    from jobs.workspace import open_workspace

    home = make_home(folder, impressions)
    workspace = open_workspace(home=home)
    dataset, day = workspace.dataset, described_days(workspace)[-1]
    repository = folder / f"feast-{impressions}"
    if not repository.is_dir():
        partial = repository.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        write_repository(workspace, partial)
        for name in dataset.histories:
            _forget_after(partial / f"{name}.parquet", datetime.combine(day, time(), dataset.zone))
        pq.write_table(workspace.store.arrow("examples", EqualTo("dt", day)), partial / "examples.parquet")
        partial.rename(repository)
    return {
        "home": str(home),
        "day": day.isoformat(),
        "rows": pq.read_metadata(repository / "examples.parquet").num_rows,
        "repository": str(repository),
        "histories": list(dataset.histories),
        "windows": list(dataset.windows_days),
        "outs": str(folder / "join-out"),
    }


def _forget_after(file: Path, moment: datetime) -> None:
    """Take later mornings out of a view's file.

    Feast's file store gives an example whose key it only knows from a later morning no empty history, but drops it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from jobs.feast_repository import TIMESTAMP

    rows = pq.read_table(file)
    pq.write_table(rows.filter(pc.less_equal(rows[TIMESTAMP], pa.scalar(moment))), file)
