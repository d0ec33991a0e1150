"""Nights of the command line on Apache Spark, on this machine's cores and on a standalone cluster of two workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from standalone_cluster import StandaloneCluster, standalone_cluster
from table_content import TIMINGS, content

from conf.settings import CONF_FOLDER, read_yaml
from jobs.champion import champion_as_of, load_version
from jobs.feature_list import model_columns
from jobs.night import run_step
from jobs.train import model_settings, training_batches
from jobs.training_data import examples_table, mature_days, split_days
from jobs.workspace import Workspace
from models.bundle import train_bundle
from models.metrics import normalised_entropy
from tests.engines.conftest import EASY_GATE, NIGHTS, SHORT_LIVED_JAVA, SMALL_TRAINING, landed, unlike

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

# Without these so small a table would be joined and scored in a single task, on a single worker.
SPREAD = {"spark.sql.adaptive.enabled": "false", "spark.sql.autoBroadcastJoinThreshold": "-1"}


def told(workspace: Workspace, command: str, night: date, env: str, *arguments: str, **variables: str) -> Any:
    """What a command says of a night, run in a process of its own; it must say nothing else."""
    place = ["--home", str(workspace.home.path), "--data", str(workspace.data), "--env", env, "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "jobs.cli", command, "--date", str(night), *place, *arguments],
        capture_output=True,
        text=True,
        timeout=400,
        env=os.environ | variables,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Apache Spark" not in done.stderr
    assert " WARN" not in done.stderr
    assert "[Stage" not in done.stderr
    return json.loads(done.stdout)


def assert_same_tables(before: dict[str, list[tuple]], after: dict[str, list[tuple]]) -> None:
    for table in set(before) - {TIMINGS}:
        assert before[table] or table == "quarantine", f"{table} is empty: nothing is compared"
        assert len(before[table]) == len(after[table]), table
        assert not unlike(before[table], after[table]), table


def settings_file(folder: Path, engine: Mapping[str, Any]) -> str:
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump({"engine": engine, "training": SMALL_TRAINING, "promotion": EASY_GATE}))
    return str(file)


def test_a_night_on_this_machines_cores_gives_the_same_tables(java, served_week: Workspace, tmp_path: Path):
    env = settings_file(tmp_path, read_yaml(CONF_FOLDER / "spark.yaml")["engine"])
    before = content(served_week)
    assert champion_as_of(served_week, NIGHTS[-1]) is not None
    snapshot = served_week.store.snapshot("predictions")
    assert told(served_week, "night", NIGHTS[-1], env)["day"] == str(NIGHTS[-1])
    assert served_week.store.snapshot("predictions") != snapshot
    assert_same_tables(before, content(served_week))


@dataclass(frozen=True)
class ClusterSettings:
    """A settings file for the cluster, and the folder in which Spark writes down what it does."""

    cluster: StandaloneCluster
    file: str
    events: Path

    def python_executors(self) -> list[set[str]]:
        """The executors that ended a task without a failure, for each stage since the last call that ran our Python."""
        executors: list[set[str]] = []
        for file in self.events.iterdir():
            executors += python_executors(file.read_text(encoding="utf-8").splitlines())
            file.unlink()
        return executors


@pytest.fixture(scope="module")
def on_cluster(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSettings]:
    folder = tmp_path_factory.mktemp("cluster")
    events = folder / "events"
    events.mkdir()
    with standalone_cluster(folder) as running:
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
        engine = {"kind": "spark", "master": running.master, "shuffle_partitions": 4, "options": options}
        yield ClusterSettings(running, settings_file(folder, engine), events)


@pytest.fixture(scope="module")
def python_without_the_project(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python with our third-party packages, as a cluster's machines have, which does not know the project."""
    import pyspark

    packages = Path(pyspark.__file__).parents[1]
    script = tmp_path_factory.mktemp("python") / "python"
    # -S leaves out the path files by which an editable installation is found.
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{packages}:$PYTHONPATH" exec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    return str(script)


def python_executors(lines: list[str]) -> list[set[str]]:
    """The executors of each stage of an event log that ran Python."""
    stages, executors = set(), defaultdict(set)
    for event in map(json.loads, lines):
        if event["Event"] == "SparkListenerStageSubmitted":
            scopes = json.dumps([rdd.get("Scope", "") for rdd in event["Stage Info"]["RDD Info"]])
            if "MapInArrow" in scopes:
                stages.add(event["Stage Info"]["Stage ID"])
        elif event["Event"] == "SparkListenerTaskEnd" and event["Task End Reason"]["Reason"] == "Success":
            executors[event["Stage ID"]].add(event["Task Info"]["Executor ID"])
    return [executors[stage] for stage in stages]


def assert_both_workers_took_part(on_cluster: ClusterSettings) -> None:
    """The master's last application has ended, and an executor ran for it on each worker, with our Python on both."""
    state = on_cluster.cluster.state()
    assert state["activeapps"] == []
    application = max(state["completedapps"], key=lambda found: found["starttime"])
    assert application["state"] == "FINISHED"
    assert len(on_cluster.cluster.executors()[application["id"]]) == 2
    assert max(map(len, on_cluster.python_executors())) == 2


def test_a_night_on_a_cluster_gives_the_same_tables_and_scores_on_both_workers(
    served_week: Workspace, on_cluster: ClusterSettings, python_without_the_project: str
):
    before = content(served_week)
    python = {"PYSPARK_PYTHON": python_without_the_project}
    assert told(served_week, "night", NIGHTS[-1], on_cluster.file, **python)["day"] == str(NIGHTS[-1])
    assert_same_tables(before, content(served_week))
    assert_both_workers_took_part(on_cluster)


@pytest.fixture(scope="module")
def learnable(engine: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Days with enough clicks for trees to find something; one to learn from, one to stop them, one to judge."""
    workspace = landed(tmp_path_factory.mktemp("learnable"), days=7, impressions=12_000)
    for night in NIGHTS[:6]:
        for step in ("ingest", "label", "features"):
            run_step(workspace, step, night)
    return workspace


def test_a_training_on_a_cluster_grows_trees_on_both_workers_that_predict_as_well(
    learnable: Workspace, on_cluster: ClusterSettings, python_without_the_project: str
):
    night = NIGHTS[5]
    split = split_days(learnable, mature_days(learnable, night), learnable.settings.training.window_days)
    settings, columns = model_settings(learnable), model_columns(learnable.dataset)
    here = train_bundle("xgboost", settings, columns, *training_batches(learnable, split))
    python = {"PYSPARK_PYTHON": python_without_the_project}
    trained = told(learnable, "train", night, on_cluster.file, "--models", "xgboost", "--no-promote", **python)
    there = load_version(learnable, trained["version"])
    assert_both_workers_took_part(on_cluster)
    assert (there.kind, there.columns, there.encoder) == (here.kind, here.columns, here.encoder)
    holdout = examples_table(learnable, split.holdout)
    labels = holdout["clicked"].to_numpy()
    one, other = here.predict(holdout), there.predict(holdout)
    assert (ne := normalised_entropy(one, labels)) < 0.98
    assert normalised_entropy(other, labels) == pytest.approx(ne, rel=0.005)
    assert np.corrcoef(one, other)[0, 1] > 0.9
