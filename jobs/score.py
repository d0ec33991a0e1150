"""Score: a click probability for every candidate of the next day, by the champion or, without one, the prior."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from features.context import with_context
from features.histories import ALL
from features.point_in_time import with_histories
from jobs.champion import PRIOR, champion_as_of, registered_files
from jobs.feature_tables import histories_as_of
from jobs.label import attributes_before
from jobs.step import StepResult
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from models.bundle import ModelBundle


def score(workspace: Workspace, night: date) -> StepResult:
    """Predict the day after `night` with the champion of `night`."""
    from pyiceberg.expressions import EqualTo
    from pyspark.sql import functions as F

    day = night + timedelta(days=1)
    champion = champion_as_of(workspace, night)
    pairs = candidates_with_features(workspace, day)
    ids = ("pair_id", *workspace.dataset.user_and_ad)
    if champion is None:
        prior = F.col(f"{ALL}__ctr_{max(workspace.dataset.windows_days)}d")
        scored = pairs.select(*ids, prior.alias("p_click"))
        model, version = PRIOR, "0"
    else:
        scored = predicted(workspace, pairs, champion.version, ids)
        model, version = champion.model, champion.version
    predictions = scored.select(
        F.lit(day).alias("dt"),
        *ids,
        "p_click",
        F.lit(model).alias("model"),
        F.lit(version).alias("version"),
        F.lit(day.isoformat()).alias("feature_snapshot"),
        F.lit(night).alias("scored_on"),
    )
    rows = workspace.store.replace("predictions", EqualTo("dt", day), predictions)
    return StepResult(
        "score", night, {"predictions": rows}, {"served": day.isoformat(), "model": model, "version": version}
    )


def candidates_with_features(workspace: Workspace, day: date) -> DataFrame:
    """The candidates of a day with every feature, as known when the day began."""
    from pyiceberg.expressions import EqualTo

    pairs = workspace.store.read(workspace.engine, "candidates", EqualTo("dt", day))
    described = with_context(pairs, lambda name: attributes_before(workspace, name, day), workspace.dataset)
    return with_histories(described, histories_as_of(workspace, day), workspace.dataset)


def predicted(workspace: Workspace, pairs: DataFrame, version: str, ids: tuple[str, ...]) -> DataFrame:
    """`ids` and `p_click` of each pair. The engine streams Arrow batches through the model, on every worker."""
    from jobs.feature_list import model_columns

    folder, digest = registered_files(workspace, version)
    columns = dict.fromkeys([*ids, *model_columns(workspace.dataset).all])
    schema = ", ".join([*(f"{name} string" for name in ids), "p_click double"])
    return pairs.select(*columns).mapInArrow(_predictor(str(folder / "bundle"), digest, ids), schema)


def _predictor(
    folder: str, digest: str | None, ids: tuple[str, ...]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def predict(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        bundle = _bundle(folder, digest)
        for batch in batches:
            p = pa.array(bundle.predict(batch), pa.float64())
            yield pa.RecordBatch.from_arrays([*(batch.column(name) for name in ids), p], names=[*ids, "p_click"])

    return predict


@lru_cache(maxsize=2)
def _bundle(folder: str, digest: str | None) -> ModelBundle:
    from pathlib import Path

    from models.bundle import load_bundle

    # The engine runs as many parts of the rows at once as there are cores: a part that used them all would wait for
    # the others.
    return load_bundle(Path(folder), digest, threads=1)
