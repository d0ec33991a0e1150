"""The pipeline's own transformations, night by night as they run, on the embedded engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.etl.data import DAYS, FIRST, LAST
from bench.etl.tables_written import checked, fresh_out
from conf.dataset import load_dataset
from conf.settings import EngineSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["checked", "prepared"]

LOG = Path(__file__).with_name("log.yaml")


def prepared(task: Mapping[str, Any], engine: EngineSettings | None = None) -> Callable[[], None]:
    """Starts the engine; the work writes the four tables into the side's folder."""
    from jobs.store.engine import session

    spark = session(engine or EngineSettings())
    spark.range(1).count()
    log, out = Path(task["log"]), fresh_out(task)
    return lambda: work(spark, log, out)


def work(spark: SparkSession, log: Path, out: Path) -> None:
    """Label every day; learn night by night; histories as of the last day; its rows with their features."""
    from pyspark.sql import functions as F

    from features.context import with_attributes
    from features.histories import counts_learned, history_keys, windowed
    from features.labels import with_first_click, with_label
    from features.point_in_time import with_histories

    dataset = load_dataset(str(LOG))

    def read(place: Path) -> DataFrame:
        return spark.read.parquet(str(place))

    clicked = with_first_click(read(log / "impressions"), read(log / "clicks"), dataset.window)
    labelled = with_label(clicked, dataset, final=True, known_on=LAST)
    described = with_attributes(labelled, lambda name: read(log / f"{name}.parquet"), dataset)
    described.withColumn("_dt", F.col("dt")).write.partitionBy("_dt").parquet(str(out / "examples"))
    for number in range(DAYS):
        night = FIRST + timedelta(days=number)
        touched = [night - timedelta(days=back) for back in range(2) if night - timedelta(days=back) >= FIRST]
        examples = spark.read.parquet(*[str(out / "examples" / f"_dt={day}") for day in touched])
        counts_learned(examples, night, dataset).write.parquet(str(out / "counts" / f"{night}"))
    counts = spark.read.parquet(*[str(file) for file in sorted((out / "counts").iterdir())])
    features = windowed(counts, LAST, dataset.windows_days)
    features.withColumn("_history", F.col("history")).write.partitionBy("_history").parquet(str(out / "features"))
    tables = {name: read(out / "features" / f"_history={name}") for name in history_keys(dataset)}
    last = read(out / "examples" / f"_dt={LAST}")
    with_histories(last, tables.__getitem__, dataset).write.parquet(str(out / "joined"))
