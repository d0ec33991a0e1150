"""A night of the command line on a standalone cluster: the tables of the embedded engine, worked out by two workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from standalone_cluster import StandaloneCluster, running_in, standalone_cluster
from table_content import TIMINGS, content

from jobs.champion import champion_as_of
from jobs.workspace import Workspace
from tests.engines.conftest import EASY_GATE, NIGHTS, SHORT_LIVED_JAVA, SMALL_TRAINING, unlike

pytestmark = pytest.mark.spark

# Without these so small a table would be joined and scored in a single task, on a single worker.
SPREAD = {"spark.sql.adaptive.enabled": "false", "spark.sql.autoBroadcastJoinThreshold": "-1"}


@pytest.fixture(scope="module")
def cluster(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    with standalone_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(scope="module")
def python_without_the_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with our third-party packages, as a cluster's machines have, which does not know the project."""
    import pyspark

    packages = Path(pyspark.__file__).parents[1]
    script = tmp_path_factory.mktemp("python") / "python"
    # -S leaves out the path files by which an editable installation is found.
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{packages}:$PYTHONPATH" exec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    return script


def settings_file(folder: Path, cluster: StandaloneCluster, events: Path) -> Path:
    options = {
        **SPREAD,
        "spark.driver.extraJavaOptions": SHORT_LIVED_JAVA,
        "spark.executor.extraJavaOptions": SHORT_LIVED_JAVA,
        "spark.executor.memory": "600m",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }
    engine = {"kind": "spark", "master": cluster.master, "shuffle_partitions": 4, "options": options}
    file = folder / "cluster.yaml"
    file.write_text(yaml.safe_dump({"engine": engine, "training": SMALL_TRAINING, "promotion": EASY_GATE}))
    return file


def python_tasks(events: Path) -> dict[str, set[str]]:
    """By stage that ran our Python: the executors that ended a task of it without a failure."""
    stages, executors = set(), defaultdict(set)
    for file in events.iterdir():
        for line in file.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["Event"] == "SparkListenerStageSubmitted":
                scopes = json.dumps([rdd.get("Scope", "") for rdd in event["Stage Info"]["RDD Info"]])
                if "MapInArrow" in scopes:
                    stages.add(event["Stage Info"]["Stage ID"])
            elif event["Event"] == "SparkListenerTaskEnd" and event["Task End Reason"]["Reason"] == "Success":
                executors[event["Stage ID"]].add(event["Task Info"]["Executor ID"])
    return {str(stage): executors[stage] for stage in stages}


def test_a_night_on_a_cluster_gives_the_same_tables_and_scores_on_both_workers(
    served_week: Workspace, cluster: StandaloneCluster, python_without_the_project: Path, tmp_path: Path
):
    before = content(served_week)
    assert champion_as_of(served_week, NIGHTS[-1]) is not None
    events = tmp_path / "events"
    events.mkdir()
    settings = settings_file(tmp_path, cluster, events)
    command = ["-m", "jobs.cli", "night", "--date", str(NIGHTS[-1]), "--json"]
    place = ["--home", str(served_week.home.path), "--data", str(served_week.data), "--env", str(settings)]
    told = subprocess.run(
        [sys.executable, *command, *place],
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"PYSPARK_PYTHON": str(python_without_the_project)},
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert " WARN" not in told.stderr
    assert "[Stage" not in told.stderr
    assert json.loads(told.stdout)["day"] == str(NIGHTS[-1])

    after = content(served_week)
    for table in set(before) - {TIMINGS}:
        assert len(before[table]) == len(after[table]), table
        assert not unlike(before[table], after[table]), table
    spread = python_tasks(events)
    assert spread, "no stage ran the model"
    assert max(len(executors) for executors in spread.values()) == 2, spread
    assert [app["state"] for app in cluster.state()["completedapps"]] == ["FINISHED"]
    assert cluster.state()["activeapps"] == []


def test_nothing_of_a_stopped_cluster_stays_behind(java, tmp_path):
    from standalone_cluster import daemon, free_port, stop

    master = daemon(tmp_path, "master", "--port", str(free_port()), "--webui-port", "0")
    assert running_in([master.pid])
    stop(master)
    assert running_in([master.pid]) == []
