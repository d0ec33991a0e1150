"""What is measured: each section's tasks, sides, sizes and rounds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.comparisons import OURS, Rounds, Task, compared

SPARK, NO_JAVA = "spark", "needs Java 17, 21 or 25"


@dataclass(frozen=True)
class Plan:
    """One task of a section: how it is made ready, its sides by name, how many rounds, and who does not take part."""

    task: Callable[[], Task]
    sides: Mapping[str, str]
    rounds: int
    left_out: Mapping[str, str]


@dataclass(frozen=True)
class Section:
    """Part of the benchmark. `plans(data, quick)` yields its tasks; `data` is the folder for generated data."""

    name: str
    title: str
    about: str
    plans: Callable[[Path, bool], Iterator[Plan]]


def run_section(section: Section, data: Path, quick: bool, told: Callable[[str], None]) -> Iterator[Rounds]:
    """Every task of a section, as it is done."""
    for plan in section.plans(data, quick):
        told(f"{section.name}: making the data")
        yield compared(plan.task(), plan.sides, plan.rounds, told, plan.left_out)


def _without_java(*sides: str) -> dict[str, str]:
    """Why some sides do not run, where they need a Java that is not there."""
    from conf.errors import SettingsError
    from jobs.store.java import require_java

    try:
        require_java()
    except SettingsError:
        return dict.fromkeys(sides, NO_JAVA)
    return {}


def _etl_task(name: str, data: Path, size: int, base: str) -> Task:
    """ETL of a log of so many impressions, into empty folders."""
    from bench.etl.data import make_log

    out = data / "etl-out"
    shutil.rmtree(out, ignore_errors=True)
    return Task(name, size, {"log": str(make_log(data, size)), "outs": str(out)}, same=("tables",), base=base)


ETL_SIDES = {
    OURS: "bench.etl.ours",
    "duckdb": "bench.etl.duckdb_sql",
    "polars": "bench.etl.polars_lazy",
    "pandas": "bench.etl.pandas_frames",
    SPARK: "bench.etl.spark",
}
MOST_FOR_PANDAS = 1_000_000


def _etl(data: Path, quick: bool) -> Iterator[Plan]:
    sizes = {200_000: 3} if quick else {1_000_000: 3, 8_000_000: 2, 20_000_000: 2}
    for size, rounds in sizes.items():
        left_out = _without_java(SPARK)
        if size > MOST_FOR_PANDAS:
            left_out["pandas"] = "takes eight times as long and several times the memory"
        yield Plan(partial(_etl_task, "etl", data, size, OURS), ETL_SIDES, rounds, left_out)


WORKERS = ("1 worker", "2 workers")
ON_A_CLUSTER = {True: 200_000, False: 1_000_000}


def _cluster(data: Path, quick: bool) -> Iterator[Plan]:
    task = partial(_etl_task, "etl on a cluster", data, ON_A_CLUSTER[quick], WORKERS[0])
    yield Plan(task, dict.fromkeys(WORKERS, "bench.etl.cluster"), 2, _without_java(*WORKERS))


TREE_SIDES = {
    OURS: "bench.training.ours_trees",
    "xgboost": "bench.training.plain_xgboost",
    "lightgbm": "bench.training.lightgbm_trees",
    "catboost": "bench.training.catboost_trees",
}
LINEAR_SIDES = {
    OURS: "bench.training.ours_linear",
    "scikit-learn": "bench.training.plain_logistic",
    "vowpal wabbit": "bench.training.vowpal_wabbit",
}


def _training(data: Path, quick: bool) -> Iterator[Plan]:
    impressions, rounds = (10_000, 2) if quick else (100_000, 3)

    def task(name: str) -> Task:
        from bench.training.data import DAYS, make_home

        given = json.loads((make_home(data, impressions) / "bench.json").read_text(encoding="utf-8"))
        return Task(name, impressions * (DAYS - 2), given | {"cached_rows": 100_000, "external_memory": False})

    yield Plan(lambda: task("trees"), TREE_SIDES, rounds, {})
    yield Plan(lambda: task("linear"), LINEAR_SIDES, rounds, {})


SCORING_SIDES = {
    OURS: "bench.scoring.ours",
    "xgboost": "bench.scoring.bare_xgboost",
    SPARK: "bench.scoring.mlflow_udf",
}


def _scoring(data: Path, quick: bool) -> Iterator[Plan]:
    impressions, rows, rounds = (10_000, 200_000, 2) if quick else (100_000, 1_000_000, 3)

    def task() -> Task:
        from bench.scoring.data import make_rows
        from bench.training.data import make_home

        return Task("scoring", rows, make_rows(data, make_home(data, impressions), rows), same=("rows", "sum_of_p"))

    yield Plan(task, SCORING_SIDES, rounds, _without_java(SPARK))


PASTS = {f"day {days}": days for days in (10, 60, 365)}
NIGHT_AFTER_A_PAST = 20_000


def _night(data: Path, quick: bool) -> Iterator[Plan]:
    for impressions in (10_000, 40_000) if quick else (100_000, 1_000_000):

        def task(impressions: int = impressions) -> Task:
            from bench.night.data import make_night

            given: Mapping[str, Any] = make_night(data, impressions)
            return Task("night", impressions, given)

        yield Plan(task, {OURS: "bench.night.ours"}, 2, {})
    if not quick:
        yield Plan(lambda: _after_a_past(data), dict.fromkeys(PASTS, "bench.night.after_a_past"), 3, {})


def _after_a_past(data: Path) -> Task:
    from bench.night.history import make_nights_after

    given = make_nights_after(data, NIGHT_AFTER_A_PAST, [*PASTS.values()])
    return Task("a night by the days before it", NIGHT_AFTER_A_PAST, given, base="day 60")


SECTIONS = (
    Section(
        "etl",
        "ETL and features",
        "Labels by attribution window, what each of eight nights learned, histories as of the last day, and that day's "
        "rows with their features; Parquet in, Parquet out. All sides write the same tables.",
        _etl,
    ),
    Section(
        "cluster",
        "ETL on a Spark cluster",
        "The same tables by the same code on a standalone cluster of this machine: a master, and workers of one core.",
        _cluster,
    ),
    Section(
        "training",
        "Training",
        "From Parquet files of training examples to NE on the day after: trees stopped by a validation day, and linear "
        "models.",
        _training,
    ),
    Section(
        "scoring",
        "Scoring",
        "Rows with features in Parquet files to probabilities: ours into one commit of the table of predictions, "
        "XGBoost alone on a matrix that lies in memory, MLflow's spark_udf to Parquet. All sides yield the same sum.",
        _scoring,
    ),
    Section(
        "night",
        "A whole night",
        "All steps of a night in one process, engine start and imports included: landing files to predictions and "
        "report.",
        _night,
    ),
)
