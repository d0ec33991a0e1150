"""How a session on Apache Spark comes about: its configuration, its noise, and what it refuses."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from conf.errors import SettingsError
from conf.settings import EngineSettings
from jobs.store.engine import session
from jobs.store.spark_server import start_configuration

pytestmark = pytest.mark.spark

PROGRAM = """
import sys
from conf.settings import EngineSettings
from jobs.store.engine import session
spark = session(EngineSettings(kind="spark", master=sys.argv[1]))
print(spark.range(10, numPartitions=2).mapInArrow(lambda batches: batches, "id long").count())
"""
WANTED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.shuffle.partitions": "2",
}


def test_settings_that_change_what_a_table_holds_are_in_force(spark):
    assert {name: spark.conf.get(name) for name in WANTED} == WANTED


def test_both_engines_run_in_one_process(engine, spark):
    assert engine.range(3).count() == spark.range(3).count() == 3
    assert engine.session_id != spark.session_id


def test_a_process_on_spark_says_nothing_of_its_own(java):
    """No warning, no progress bar, no notice of Java: the terminal is the pipeline's."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, "local[2]"], capture_output=True, text=True, timeout=300, check=False
    )
    assert (told.returncode, told.stdout, told.stderr) == (0, "10\n", "")


def test_a_connect_address_serves_as_master(spark):
    """The shared Spark is reached a second time by its Connect address, as a server elsewhere would be."""
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    assert isinstance(spark, ConnectSession)
    address = EngineSettings(kind="spark", master=connect_address(spark), shuffle_partitions=2)
    other = session(address)
    assert other.session_id != spark.session_id
    assert {name: other.conf.get(name) for name in WANTED} == WANTED
    assert other.range(5).count() == 5


def connect_address(spark) -> str:
    builder = spark.client._builder
    return f"sc://localhost:{builder.url.port}/;token={builder.token}"


def test_an_option_that_a_running_server_cannot_take_is_refused(spark):
    late = EngineSettings(kind="spark", master=connect_address(spark), options={"spark.executor.memory": "1g"})
    with pytest.raises(
        SettingsError, match=r"`spark\.executor\.memory` is settled when a Spark server starts"
    ) as error:
        session(late)
    assert "token" not in str(error.value)


def test_an_option_of_queries_reaches_a_running_server(spark):
    option = {"spark.sql.autoBroadcastJoinThreshold": "12345b"}
    found = session(EngineSettings(kind="spark", master=connect_address(spark), options=option))
    assert found.conf.get("spark.sql.autoBroadcastJoinThreshold") == "12345b"


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_a_server_that_is_not_there_is_named_at_once(scheme):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        master = f"{scheme}://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(SettingsError, match=rf"engine\.master is {master}, which does not answer"):
        session(EngineSettings(kind="spark", master=master))


def test_a_master_that_makes_no_sense_is_a_settings_error(java):
    """In a process of its own: a driver that failed to start cannot be tried again in the same one."""
    program = PROGRAM.replace("spark = ", "from conf.errors import SettingsError\ntry:\n    spark = ")
    program = program.replace("print(", "except SettingsError as error:\n    sys.exit(str(error))\nprint(", 1)
    told = subprocess.run(
        [sys.executable, "-c", program, "nonsense"], capture_output=True, text=True, timeout=300, check=False
    )
    assert told.returncode == 1
    assert "Apache Spark did not start on `nonsense`" in told.stderr


def test_options_go_before_our_own_but_keep_the_logging():
    found = start_configuration(
        "yarn", {"spark.ui.enabled": "true", "spark.driver.extraJavaOptions": "-Xss4m", "spark.driver.memory": "3g"}
    )
    assert (found["spark.ui.enabled"], found["spark.driver.memory"]) == ("true", "3g")
    logging, stack = found["spark.driver.extraJavaOptions"].split(" ")
    assert logging.startswith("-Dlog4j2.configurationFile=file:///")
    assert logging.endswith("/conf/log4j2.properties")
    assert stack == "-Xss4m"


@pytest.mark.parametrize("master", ["local[*]", "spark://127.0.0.1:7077", "spark://localhost:7077"])
def test_a_driver_for_this_machine_alone_listens_to_this_machine_alone(master):
    assert start_configuration(master, {})["spark.driver.host"] == "127.0.0.1"


@pytest.mark.parametrize("master", ["spark://ten.example:7077", "yarn", "k8s://https://ten.example:6443"])
def test_a_driver_for_a_cluster_can_be_reached_by_its_workers(master):
    found = start_configuration(master, {})
    assert "spark.driver.host" not in found
    assert "spark.driver.bindAddress" not in found
    assert found["spark.connect.grpc.binding.address"] == "127.0.0.1"


def test_the_password_of_the_connect_server_stays_out_of_the_environment(spark):
    assert "SPARK_CONNECT_AUTHENTICATE_TOKEN" not in os.environ
