"""MLflow's `spark_udf` of the same registered model on Apache Spark, from the same files to Parquet files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Starts Spark and loads the model as a function; the work writes ids and probabilities."""
    import mlflow
    import pyarrow.parquet as pq
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    from jobs.tracking import client
    from jobs.workspace import open_workspace
    from models.bundle import load_bundle

    os.environ["PYSPARK_PYTHON"] = sys.executable
    workspace = open_workspace(home=Path(task["home"]))
    client(workspace)
    spark = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false").getOrCreate()
    spark.range(1).count()
    uri = f"models:/{workspace.model_name}/{task['version']}"
    predict = mlflow.pyfunc.spark_udf(spark, uri, result_type="double", env_manager="local")
    columns = load_bundle(Path(task["bundle"])).columns.all

    def work() -> dict[str, Any]:
        out = f"{mkdtemp()}/predictions"
        rows = spark.read.parquet(*task["files"])
        scored = rows.select("pair_id", predict(F.struct(*columns)).alias("p_click"))
        scored.write.parquet(out)
        written = pq.read_table(out, columns=["p_click"])
        return {"rows": written.num_rows, "sum_of_p": float(written["p_click"].to_numpy().sum())}

    return work
