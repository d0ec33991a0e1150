"""Both engines in one process: the embedded one, and one Apache Spark that all tests of this folder share."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from table_content import content

from conf.dataset import load_dataset
from conf.errors import SettingsError
from conf.settings import EngineSettings, Settings
from jobs.night import STEPS, run_step, run_training, training_request
from jobs.simulate import simulate_days
from jobs.store.engine import session
from jobs.store.java import require_java
from jobs.workspace import Home, Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TOLERANCE = 1e-9
FIRST = date(2026, 3, 2)
NIGHTS = tuple(FIRST + timedelta(days=ahead) for ahead in range(7))
IMPRESSIONS = 1500

SHORT_LIVED_JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m"
QUICK = {
    "spark.driver.extraJavaOptions": SHORT_LIVED_JAVA,
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": "1",
}
"""For many small queries: compiling them, in Spark and in the JVM, takes longer than running them as they are. And
nobody will bring more workers, so that there is nothing to wait for."""
LOCAL_SPARK = EngineSettings(kind="spark", master="local[2]", shuffle_partitions=2, options=QUICK)

EASY_GATE = {"confidence": 0.51, "min_calibration_ratio": 0.1, "max_calibration_ratio": 10.0, "max_slice_harm": 10.0}
"""A gate that lets any real model through: these tests need a champion, not a good one."""
SMALL_TRAINING = {
    "models": ["mix"],
    "min_train_days": 1,
    "threads": 1,
    "model": {"boosted": {"max_rounds": 10}, "logistic": {"max_iterations": 5}},
}


@pytest.fixture(scope="session")
def java() -> None:
    """Skips where Java is missing."""
    try:
        require_java()
    except SettingsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def spark(java: None) -> SparkSession:
    """Apache Spark on `local[2]`."""
    return session(LOCAL_SPARK)


def week_settings(engine: EngineSettings) -> Settings:
    return Settings.model_validate({"engine": engine.model_dump(), "training": SMALL_TRAINING, "promotion": EASY_GATE})


def landed(folder: Path, days: int, impressions: int) -> Workspace:
    """Days of the simulated log, landed and not yet worked on, in a home of the embedded engine."""
    home, settings = Home(folder / "embedded"), week_settings(EngineSettings())
    workspace = Workspace(home, settings, load_dataset("simulated"), folder / "landing")
    simulate_days(
        workspace,
        start=FIRST,
        days=days,
        impressions=impressions,
        scenario="calm",
        drift_from=None,
        strength=1.0,
        seed=5,
    )
    return workspace


@pytest.fixture(scope="session")
def landed_week(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A week of the simulated log."""
    return landed(tmp_path_factory.mktemp("week"), len(NIGHTS) + 1, IMPRESSIONS)


def run_nights(workspace: Workspace, nights: tuple[date, ...] = NIGHTS) -> Workspace:
    """Every step of the nights, without training."""
    for night in nights:
        for step in STEPS:
            run_step(workspace, step, night)
    return workspace


@pytest.fixture(scope="session")
def embedded_week(landed_week: Workspace, engine: SparkSession) -> Workspace:
    """The week as the embedded engine works it out."""
    return run_nights(landed_week)


@pytest.fixture(scope="session")
def spark_week(landed_week: Workspace, spark: SparkSession) -> Workspace:
    """The same week as Apache Spark works it out, in a home of its own."""
    home = Home(landed_week.home.path.with_name("spark"))
    return run_nights(replace(landed_week, home=home, settings=week_settings(LOCAL_SPARK)))


@pytest.fixture(scope="session")
def embedded_contents(embedded_week: Workspace) -> dict[str, list[tuple]]:
    """What the embedded week's tables hold before anything is trained."""
    return content(embedded_week)


@pytest.fixture(scope="session")
def served_week(embedded_week: Workspace, embedded_contents: dict[str, list[tuple]]) -> Workspace:
    """The embedded week after a training: a real champion, by whom the last night has been run again."""
    last = NIGHTS[-1]
    trained = run_training(embedded_week, training_request(embedded_week, last, trigger="test"))
    assert trained.detail["promoted"], trained.detail
    return run_nights(embedded_week, (last,))


def alike(one: Any, other: Any) -> bool:
    """Equal, floats up to the last digits that engines may sum or round differently; so too inside JSON texts."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, str) and one != other and one[:1] == other[:1] and one[:1] in ("{", "["):
        return alike(json.loads(one), json.loads(other))
    return bool(one == other)


def unlike(one: Sequence[tuple], other: Sequence[tuple]) -> list[tuple[tuple, tuple]]:
    """The first rows, of two equally long sorted lists, that differ."""
    pairs = zip(one, other, strict=True)
    return [(left, right) for left, right in pairs if not all(map(alike, left, right))][:3]
