"""What is measured: each section's tasks, sides, sizes and rounds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.comparisons import OURS, Rounds, Task, compared
from bench.sides import ENVIRONMENTS

if TYPE_CHECKING:
    from bench.night.data import Shape

Size = Literal["quick", "whole", "large"]
"""Under five minutes; at most forty; what takes hours, and many GB of memory and disk."""

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
    """Part of the benchmark. `plans(data, size)` yields its tasks; `data` is the folder for generated data.

    A section that is not `usual` is measured where it is asked for by name.
    """

    name: str
    title: str
    about: str
    plans: Callable[[Path, Size], Iterator[Plan]]
    usual: bool = True


def run_section(section: Section, data: Path, size: Size, told: Callable[[str], None]) -> Iterator[Rounds]:
    """Every task of a section, as it is done."""
    for plan in section.plans(data, size):
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
MOST_FOR_PANDAS, LEAST_FOR_SPARK = 1_000_000, 8_000_000
IMPRESSIONS: Mapping[Size, Mapping[int, int]] = {
    "quick": {200_000: 2},
    "whole": {1_000_000: 3, 8_000_000: 2},
    "large": {20_000_000: 2},
}
"""Of the log, and how many rounds."""


def _etl(data: Path, size: Size) -> Iterator[Plan]:
    for impressions, rounds in IMPRESSIONS[size].items():
        left_out = _without_java(SPARK)
        if impressions > MOST_FOR_PANDAS:
            left_out["pandas"] = "takes eight times as long and several times the memory"
        if impressions < LEAST_FOR_SPARK:
            left_out[SPARK] = "starts for longer than it works: see more rows"
        yield Plan(partial(_etl_task, "etl", data, impressions, OURS), ETL_SIDES, rounds, left_out)


JOIN_SIDES = {OURS: "bench.join.ours", "feast": "bench.join.feast_offline"}


def _join(data: Path, size: Size) -> Iterator[Plan]:
    if size == "large":
        return
    impressions, rounds = (10_000, 2) if size == "quick" else (50_000, 3)

    def task() -> Task:
        from bench.join.data import make_join

        given = make_join(data, impressions)
        return Task("point-in-time join", given["rows"], given, same=("rows", "hashes"))

    missing = not ENVIRONMENTS[JOIN_SIDES["feast"]].is_file()
    left_out = {"feast": "needs an environment of its own, which `make test-feast` creates"} if missing else {}
    yield Plan(task, JOIN_SIDES, rounds, left_out)


WORKERS = ("1 worker", "2 workers")


def _cluster(data: Path, size: Size) -> Iterator[Plan]:
    impressions = 200_000 if size == "quick" else 1_000_000
    task = partial(_etl_task, "etl on a cluster", data, impressions, WORKERS[0])
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


def _training(data: Path, size: Size) -> Iterator[Plan]:
    if size == "large":
        return
    impressions = 10_000 if size == "quick" else 50_000

    def task(name: str) -> Task:
        from bench.training.data import DAYS, make_home

        given = json.loads((make_home(data, impressions) / "bench.json").read_text(encoding="utf-8"))
        return Task(name, impressions * (DAYS - 2), given)

    yield Plan(lambda: task("trees"), TREE_SIDES, 2, {})
    yield Plan(lambda: task("linear"), LINEAR_SIDES, 2, {})


SCORING_SIDES = {
    OURS: "bench.scoring.ours",
    "xgboost": "bench.scoring.bare_xgboost",
    SPARK: "bench.scoring.mlflow_udf",
}


def _scoring(data: Path, size: Size) -> Iterator[Plan]:
    if size == "large":
        return
    impressions, rows = (10_000, 200_000) if size == "quick" else (50_000, 1_000_000)

    def task() -> Task:
        from bench.scoring.data import make_rows
        from bench.training.data import make_home

        return Task("scoring", rows, make_rows(data, make_home(data, impressions), rows), same=("rows", "sum_of_p"))

    left_out = {SPARK: "starts for longer than it works"} if size == "quick" else _without_java(SPARK)
    yield Plan(task, SCORING_SIDES, 2, left_out)


NIGHT = "bench.night.ours"
NIGHTS: Mapping[Size, Sequence[int]] = {"quick": (), "whole": (1_000_000,), "large": (5_000_000, 20_000_000)}
"""Impressions of nights that are run once."""
AS_MOST_NIGHTS = "day 60"


def _shapes() -> dict[str, Shape]:
    """Nights that differ in one thing each from the first, and one in everything.

    Four times the users and ads are a third more keys: most keys are pairs, of which a day's rows show only so many.
    """
    from bench.night.data import Shape

    return {
        AS_MOST_NIGHTS: Shape(40_000, days=60),
        "day 365": Shape(40_000, days=365),
        "4 x users and ads": Shape(40_000, days=60, world=4),
        "1 window": Shape(40_000, days=60, windows=(28,)),
        "4 x trees": Shape(40_000, days=60, trees=800),
        "all of it": Shape(100_000, days=120, world=2, windows=(7, 28), trees=400),
    }


def _night(data: Path, size: Size) -> Iterator[Plan]:
    if size == "quick":
        yield Plan(lambda: _night_after_training(data), {OURS: NIGHT}, 1, {})
    for impressions in NIGHTS[size]:
        yield Plan(partial(_same_night, "night", data, impressions, (OURS,)), {OURS: NIGHT}, 1, {})
    if size == "whole":
        ways = {OURS: NIGHT, "airflow": "bench.night.by_airflow"}
        yield Plan(partial(_same_night, "a night through Airflow", data, 10_000, tuple(ways)), ways, 2, {})
        yield Plan(lambda: _nights_by_shape(data), dict.fromkeys(_shapes(), NIGHT), 2, {})


def _night_after_training(data: Path) -> Task:
    """The night after those of the home that trainings are measured on, which is there already."""
    from bench.training.data import NEXT, make_home

    given = {"homes": {OURS: str(make_home(data, 10_000))}, "night": NEXT.isoformat()}
    return Task("night", 10_000, given)


def _same_night(name: str, data: Path, impressions: int, sides: Sequence[str]) -> Task:
    """The same night for all sides."""
    from bench.night.data import Shape, make_nights

    given = make_nights(data, dict.fromkeys(sides, Shape(impressions)))
    return Task(name, impressions, given, same=("predictions", "sum_of_p"))


def _nights_by_shape(data: Path) -> Task:
    from bench.night.data import make_nights

    shapes = _shapes()
    return Task("nights by shape", shapes[AS_MOST_NIGHTS].impressions, make_nights(data, shapes), base=AS_MOST_NIGHTS)


SECTIONS = (
    Section(
        "etl",
        "ETL and features",
        "Labels by attribution window, what each of eight nights learned, histories as of the last day, and that day's "
        "rows with their features; Parquet in, Parquet out. All sides write the same tables.",
        _etl,
    ),
    Section(
        "join",
        "Point-in-time join",
        "The examples of a day with the histories that held when it began, of several mornings: our own join, which "
        "adds smoothed rates, and Feast's `get_historical_features` over the same tables as Parquet files. All sides "
        "yield the same counts.",
        _join,
    ),
    Section(
        "cluster",
        "ETL on a Spark cluster",
        "The same tables by the same code on a standalone cluster of this machine: a master, and workers of one core.",
        _cluster,
        usual=False,
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
        "report. Beside it the same night as a run of its DAG, and nights that differ in what their cost may depend "
        "on.",
        _night,
    ),
)
