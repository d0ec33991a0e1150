"""The pipeline's own transformations, night by night as they run, on the embedded engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.etl.data import DAYS, FIRST, LAST
from bench.etl.tables_written import checked, fresh_out
from conf.dataset import Dataset, load_dataset
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
    """Label day by day; learn night by night; histories as of the last day; its rows with their features."""
    from pyspark.sql import functions as F

    from features.histories import counts_learned, history_keys, windowed
    from features.point_in_time import with_histories

    dataset = load_dataset(str(LOG))
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    for day in days:
        examples_of(spark, log, day, dataset).write.parquet(str(out / "examples" / f"{day}"))
    for night in days:
        touched = [day for day in (night - timedelta(days=1), night) if day >= FIRST]
        examples = spark.read.parquet(*[str(out / "examples" / f"{day}") for day in touched])
        learned = counts_learned(examples, night, dataset)
        learned.withColumn("_night", F.col("known_on")).write.partitionBy("_night").parquet(f"{out}/counts/{night}")
    counts = spark.read.parquet(*[str(file) for file in sorted((out / "counts").rglob("*.parquet"))])
    features = windowed(counts, LAST, dataset.windows_days)
    features.withColumn("_history", F.col("history")).write.partitionBy("_history").parquet(str(out / "features"))
    tables = {name: spark.read.parquet(str(out / "features" / f"_history={name}")) for name in history_keys(dataset)}
    last = spark.read.parquet(str(out / "examples" / f"{LAST}"))
    with_histories(last, tables.__getitem__, dataset).write.parquet(str(out / "joined"))


def examples_of(spark: SparkSession, log: Path, day: date, dataset: Dataset) -> DataFrame:
    """The examples of one day, from its impressions and the clicks of that day and the next."""
    from features.context import with_attributes
    from features.labels import with_first_click, with_label

    def arrived(table: str, *days: date) -> DataFrame:
        return spark.read.parquet(*[str(file) for day in days for file in sorted((log / table).glob(f"{day}-*"))])

    clicks = arrived("clicks", *[day for day in (day, day + timedelta(days=1)) if day <= LAST])
    clicked = with_first_click(arrived("impressions", day), clicks, dataset.window)
    labelled = with_label(clicked, dataset, final=True, known_on=LAST)
    return with_attributes(labelled, lambda name: spark.read.parquet(str(log / f"{name}.parquet")), dataset)
