"""The engine that runs the ETL: Sail in this process, or Apache Spark. One session a process."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from conf.errors import SettingsError
from conf.settings import EngineSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA_HELP = (
    "engine.kind is `spark`, which needs Java 17, 21 or 25, and no `java` was found in JAVA_HOME or on the PATH. "
    "Install a JDK (Debian: `apt install openjdk-17-jre-headless`), or set engine.kind to `embedded`, which needs none."
)


def session(settings: EngineSettings) -> SparkSession:
    """The process's session on the engine that the settings name.

    Raises:
        SettingsError: kind `spark` without Java.
    """
    return _session(
        settings.kind, settings.master, settings.shuffle_partitions, tuple(sorted(settings.options.items()))
    )


@cache
def _session(kind: str, master: str, partitions: int, options: tuple[tuple[str, str], ...]) -> SparkSession:
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.remote(_embedded_address() if kind == "embedded" else _spark_address(master))
    # Days are computed with an explicit zone; everything between is UTC.
    builder = builder.config("spark.sql.session.timeZone", "UTC")
    if kind == "spark":
        builder = builder.config("spark.sql.shuffle.partitions", str(partitions))
        builder = builder.config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.ui.enabled", "false")
    for key, value in options:
        builder = builder.config(key, value)
    return builder.getOrCreate()


def _embedded_address() -> str:
    os.environ.setdefault("RUST_LOG", "error")
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(port=0)
    server.start(background=True)
    atexit.register(server.stop)
    _, port = server.listening_address
    return f"sc://127.0.0.1:{port}"


def _spark_address(master: str) -> str:
    if master.startswith("sc://"):
        return master
    java_home = os.environ.get("JAVA_HOME")
    named = java_home and os.access(Path(java_home) / "bin" / "java", os.X_OK)
    if not named and not shutil.which("java"):
        raise SettingsError(JAVA_HELP)
    return master
