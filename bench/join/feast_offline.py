"""Feast's `get_historical_features` on its file store (Dask), from Parquet files to a Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.join.rows_joined import checked, counts, fresh_out

__all__ = ["checked", "prepared"]


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Imports Feast and registers the views; the work reads the examples, joins and writes."""
    import feast
    import pandas as pd

    from jobs.feast_repository import definitions

    repository, out = Path(task["repository"]), fresh_out(task)
    found = definitions(repository)
    store = feast.FeatureStore(repo_path=str(repository))
    store.apply(list(found.values()))
    keys = [entity.join_key for entity in found.values() if isinstance(entity, feast.Entity)]
    features = [name.replace("__", ":") for name in counts(task)]

    def work() -> None:
        asked = pd.read_parquet(repository / "examples.parquet", columns=["impression_id", "event_time", *keys])
        asked = asked.rename(columns={"event_time": "event_timestamp"})
        joined = store.get_historical_features(asked, features=features, full_feature_names=True).to_df()
        out.mkdir()
        joined.to_parquet(out / "joined.parquet")

    return work
