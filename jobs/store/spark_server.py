"""Apache Spark started by this process: the driver, with a Connect server inside that only this process can talk to."""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conf.error_words import first_line
from conf.errors import SettingsError
from conf.secret_values import is_secret_name
from conf.settings import CONF_FOLDER
from jobs.store.java import require_java

if TYPE_CHECKING:
    from pyspark import SparkContext

CONNECT_PLUGIN = "org.apache.spark.sql.connect.SparkConnectPlugin"
CONNECT_SERVICE = "org.apache.spark.sql.connect.service.SparkConnectService$"
TOKEN = "SPARK_CONNECT_AUTHENTICATE_TOKEN"
CLIENT_VARIABLES = ("SPARK_CONNECT_MODE_ENABLED", "SPARK_REMOTE", "SPARK_API_MODE")
JAVA_OPTIONS = "spark.driver.extraJavaOptions"
LOOPBACK = "127.0.0.1"
START_NOTICES = ("WARNING: Using incubator modules", "Setting default log level to", "To adjust logging level use")
"""Lines that the JVM and Spark's shell print at every start, whatever the logging says."""


@dataclass(frozen=True)
class SparkServer:
    """A running driver and the address of its Connect server, which carries the password."""

    address: str
    context: SparkContext

    def stop(self) -> None:
        """End the application; a cluster gives its executors back."""
        self.context.stop()


def start_spark(master: str, options: Mapping[str, str]) -> SparkServer:
    """Start a driver on a master: `local[n]`, `spark://host:port`, `yarn`, `k8s://...`.

    What must hold when the JVM starts (memory, hosts, logging) goes along as its configuration. `options` go before
    our own. The JVM ends with this process, however that ends.

    Raises:
        SettingsError: no Java that fits, Spark did not start, or a Spark of another version was found.
    """
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway

    require_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the JVM hands it on to the workers' side
    conf = SparkConf(loadDefaults=False).setAll(list(start_configuration(master, options).items()))
    token = secrets.token_urlsafe(32)
    try:
        with _starting(token), _passed_on() as stream:
            # Everybody on the machine can read the JVM's command line: secrets go into the context alone.
            told = [(name, value) for name, value in conf.getAll() if not is_secret_name(name)]
            on_command_line = SparkConf(loadDefaults=False).setAll(told)
            gateway = launch_gateway(on_command_line, {"stdout": stream, "stderr": stream})
            context = SparkContext(conf=conf, gateway=gateway)
    except (PySparkException, Py4JError, OSError) as error:
        reason = first_line(error).rstrip(".")
        raise SettingsError(
            f"Apache Spark did not start on `{master}`: {reason}. "
            "Check engine.master and engine.options; what Spark itself said stands above."
        ) from error
    _require_same_version(context)
    service = getattr(getattr(context._jvm, CONNECT_SERVICE), "MODULE$")
    return SparkServer(f"sc://localhost:{service.localPort()}/;token={token}", context)


def start_configuration(master: str, options: Mapping[str, str]) -> dict[str, str]:
    """Everything that is settled when the driver starts."""
    from urllib.parse import urlsplit

    own = {
        "spark.app.name": "ctr",
        "spark.plugins": CONNECT_PLUGIN,
        "spark.connect.grpc.binding.address": LOOPBACK,
        "spark.connect.grpc.binding.port": "0",  # any free one: several nights may run on one machine
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.artifact.isolation.enabled": "true",
        # Tasks that must run together wait this long for slots, 24 times 5 s, in case executors are still to come.
        "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": "5s",
        "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": "24",
    }
    if master.startswith("local") or urlsplit(master).hostname in (LOOPBACK, "localhost"):
        own |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    logging = f"-Dlog4j2.configurationFile={(CONF_FOLDER / 'log4j2.properties').as_uri()}"
    java_options = f"{logging} {options.get(JAVA_OPTIONS, '')}".strip()
    return own | dict(options) | {"spark.master": master, JAVA_OPTIONS: java_options}


@contextmanager
def _starting(token: str) -> Iterator[None]:
    """The environment while a driver starts: the password, which does not belong on a command line that all can see,
    and no word of a client, for PySpark refuses to start a driver in a process that is one."""
    before = dict(os.environ)
    os.environ[TOKEN] = token
    for name in CLIENT_VARIABLES:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name in (TOKEN, *CLIENT_VARIABLES):
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


@contextmanager
def _passed_on() -> Iterator[int]:
    """Where the JVM and its Python workers write: all but the notices of every start goes on to stderr.

    Nothing of it goes to stdout, which may be read by a machine. It lasts as long as the JVM does.
    """
    source, target = os.pipe()

    def copy() -> None:
        with os.fdopen(source, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.startswith(START_NOTICES):
                    sys.stderr.write(line)

    threading.Thread(target=copy, name="spark-output", daemon=True).start()
    try:
        yield target
    finally:
        os.close(target)  # the JVM has its own


def _require_same_version(context: SparkContext) -> None:
    import pyspark

    ours, found = (version.rsplit(".", 1)[0] for version in (pyspark.__version__, str(context.version)))
    if ours != found:
        home: Any = os.environ.get("SPARK_HOME")
        context.stop()
        raise SettingsError(
            f"SPARK_HOME is {home}, which is Spark {found}, and PySpark is {ours}. They must be of the same minor "
            "version: unset SPARK_HOME to use the Spark that comes with PySpark, or point it to one of that version."
        )
