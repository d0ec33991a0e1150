"""The engine that runs the ETL: Sail in this process, or Apache Spark. One session for each setting in a process.

Both are reached through the same client, Spark Connect, so the same DataFrames run on either. docs/engines.md tells
where the engines differ and what a cluster needs.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conf.errors import SettingsError
from conf.settings import EngineSettings
from jobs.store.worker_code import bring_code

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONNECT_PORT = 15002
REACH_SECONDS = 5.0

RETRIES_OF_A_SERVICE = 8
"""Some three minutes: a server that is brought up again is back by then."""
RETRIES_OF_OUR_DRIVER = 5
"""Some twenty seconds: where our own driver has died on this machine, asking on would only hide that."""

MEANING = {
    "spark.sql.session.timeZone": "UTC",
}
"""Settings that change what a DataFrame means, on both engines. Days are computed with an explicit zone; everything
between is UTC."""

CLIENT = {
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
"""What the client does on both engines: not look through its stack at every call, for a line that nobody reads."""

EMBEDDED_PROCESS = {
    "RUST_LOG": "error",
    # Its allocator would ask for pages of 2 MB. The many small buffers of open Parquet files fill those badly: writing
    # a million examples held 100 MB more, and the kernel took half a second to clear them.
    "MIMALLOC_ALLOW_THP": "0",
}
"""What the embedded engine reads from the environment when it is loaded; what is set there already counts."""

SPARK_MEANING = MEANING | {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # the catalog refuses INT96
}
"""What Apache Spark needs said besides: a cluster's own defaults may be others."""


def session(settings: EngineSettings) -> SparkSession:
    """The process's session on the engine that the settings name.

    Raises:
        SettingsError: kind `spark` without a Java that fits, a master that does not answer, or an option that cannot
            be set.
    """
    options = tuple(sorted(settings.options.items()))
    if settings.kind == "embedded":
        return _embedded(options)
    return _spark(settings.master, settings.shuffle_partitions, options)


@cache
def _embedded(options: tuple[tuple[str, str], ...]) -> SparkSession:
    for name, value in EMBEDDED_PROCESS.items():
        os.environ.setdefault(name, value)
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(port=0)
    server.start(background=True)
    atexit.register(server.stop)
    _, port = server.listening_address
    return _connected(f"sc://127.0.0.1:{port}", MEANING | CLIENT | dict(options))


@cache
def _spark(master: str, partitions: int, options: tuple[tuple[str, str], ...]) -> SparkSession:
    from pyspark.logger import PySparkLogger

    _require_answer(master)
    # A failed query says its reason in the exception; these would put the JVM's stack on the terminal besides.
    for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
        PySparkLogger.getLogger(name).setLevel(logging.CRITICAL)
    runtime = SPARK_MEANING | CLIENT | {"spark.sql.shuffle.partitions": str(partitions)}
    given = dict(options)
    if master.startswith("sc://"):
        found = _connected(master, runtime)
        _give_up_after(found, RETRIES_OF_A_SERVICE)
        _set_all(found, given, master)
        bring_code(found)
        return found
    from jobs.store.spark_server import start_spark

    server = start_spark(master, runtime | given)
    atexit.register(server.stop)
    found = _connected(server.address, {})
    _give_up_after(found, RETRIES_OF_OUR_DRIVER)
    bring_code(found)
    return found


def _connected(address: str, runtime: Mapping[str, str]) -> SparkSession:
    """A session of its own: `getOrCreate` would hand out whatever session the process made first."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.remote(address)
    for key, value in runtime.items():
        builder = builder.config(key, value)
    found = builder.create()
    # Before the server stops, and before the interpreter takes the threads away that closing a channel waits for.
    atexit.register(_end, found)
    return found


def _end(found: SparkSession) -> None:
    """Say goodbye to the server, once: where it has gone, asking again would keep the process for ten minutes."""
    _give_up_after(found, 0)
    found.stop()


def _set_all(found: SparkSession, options: Mapping[str, str], master: str) -> None:
    """Set options on a session of a server that runs already.

    Raises:
        SettingsError: an option that a server takes only when it starts.
    """
    for key, value in options.items():
        if not found.conf.isModifiable(key):
            raise SettingsError(
                f"engine.options: `{key}` is settled when a Spark server starts, and {_shown(master)} runs already. "
                "Set it there, and take it out of engine.options."
            )
        found.conf.set(key, value)


def _give_up_after(found: SparkSession, retries: int) -> None:
    """How often a call that the server did not answer is made again; PySpark's own 15 times take ten minutes."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    found.client.set_retry_policies([DefaultPolicy(max_retries=retries)])


def _require_answer(master: str) -> None:
    """Refuse a standalone master or a Connect server that does not answer: Spark itself would try for minutes.

    Raises:
        SettingsError: nothing listens at the address, or it is none.
    """
    if not master.startswith(("spark://", "sc://")):
        return
    hosts = [urlsplit(f"//{host}") for host in master.split("://", 1)[1].split("/")[0].split(",")]
    failures = []
    for host in hosts:
        try:
            address = (host.hostname or "", host.port or (CONNECT_PORT if master.startswith("sc://") else 7077))
            socket.create_connection(address, timeout=REACH_SECONDS).close()
            return
        except (OSError, ValueError) as error:
            failures.append(f"{host.netloc}: {error}")
    raise SettingsError(
        f"engine.master is {_shown(master)}, which does not answer ({'; '.join(failures)}). "
        "Start it, or correct engine.master."
    )


def _shown(master: str) -> str:
    """A master as it may be shown: a Connect address can carry a token."""
    return master.split("/;")[0]
