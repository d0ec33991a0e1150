"""Nothing of Apache Spark outlives the process that started it, however that process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from psutil import STATUS_ZOMBIE as ZOMBIE

pytestmark = pytest.mark.spark

SUPPORT = Path(__file__).parents[1] / "support"
PROGRAM = """
import sys, time
from pathlib import Path
from standalone_cluster import standalone_cluster
from conf.settings import EngineSettings
from jobs.store.engine import session

with standalone_cluster(Path(sys.argv[1])) as cluster:
    options = {"spark.executor.memory": "600m"}
    spark = session(EngineSettings(kind="spark", master=cluster.master, options=options))
    spark.range(4, numPartitions=2).mapInArrow(lambda batches: batches, "id long").count()
    print("working", flush=True)
    while True:
        time.sleep(0.1)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_driver_cluster_and_executors_end_with_their_process(java, tmp_path, ending):
    path = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": path},
    )
    family = psutil.Process(program.pid)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == b"working\n"
        descendants = [process for process in family.children(recursive=True) if process.status() != ZOMBIE]
        running = " ".join(text for process in descendants for text in process.cmdline())
        for part in ("SparkSubmit", "deploy.master.Master", "deploy.worker.Worker", "--executor-id", "pyspark.daemon"):
            assert part in running
        program.send_signal(ending)
        program.wait(60)
        _, alive = psutil.wait_procs(descendants, timeout=60)
        assert alive == []
    finally:
        program.kill()
