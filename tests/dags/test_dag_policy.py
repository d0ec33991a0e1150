"""What every DAG of the project must have, and must not do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
DAGS_FOLDER = PROJECT_FOLDER / "dags"
DAG_IDS = ("ctr_nightly", "ctr_train", "ctr_maintenance")
HEAVY = ("jobs", "pandas", "numpy", "pyspark", "xgboost", "sklearn", "mlflow", "evidently", "great_expectations")


def test_the_folder_holds_exactly_the_documented_dags(dags):
    assert sorted(dags) == sorted(DAG_IDS)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_dag_has_documentation_tags_and_a_limit(dags, dag_id):
    dag = dags[dag_id]

    assert dag.doc_md and len(dag.doc_md) > 200
    assert dag.description
    assert "ctr" in dag.tags
    assert dag.catchup is False
    assert dag.max_active_runs <= 2
    assert dag.dagrun_timeout is not None


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_a_step_has_owner_retries_with_backoff_a_time_limit_and_documentation(dags, dag_id):
    steps = [task for task in dags[dag_id].tasks if task.task_type == "StepOperator"]

    assert steps
    for step in steps:
        assert step.owner == "ctr"
        assert step.retries >= 1
        assert step.retry_exponential_backoff
        assert step.execution_timeout is not None
        assert step.doc_md


def test_the_night_runs_its_steps_in_order(dags):
    order = [task.task_id for task in dags["ctr_nightly"].topological_sort()]

    assert order == ["check_form", "ingest", "label", "features", "score", "evaluate", "monitor", "announce_drift"]


def test_only_the_last_task_of_the_night_writes_the_drift_asset_that_starts_training(dags):
    writers = [task.task_id for task in dags["ctr_nightly"].tasks if task.outlets]

    assert writers == ["announce_drift"]
    assert [asset.name for asset in dags["ctr_nightly"].get_task("announce_drift").outlets] == ["ctr_drift"]
    assert dags["ctr_train"].timetable.asset_condition.name == "ctr_drift"


def test_loading_the_dag_files_imports_nothing_heavy():
    script = (
        "import sys, importlib\n"
        f"sys.path[:0] = [{str(PROJECT_FOLDER)!r}, {str(DAGS_FOLDER)!r}]\n"
        f"for name in {DAG_IDS!r}: importlib.import_module(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )

    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "[]"


def test_an_empty_cron_leaves_a_dag_to_be_run_by_hand():
    script = (
        "import sys\n"
        f"sys.path[:0] = [{str(PROJECT_FOLDER)!r}, {str(DAGS_FOLDER)!r}]\n"
        "import ctr_nightly, ctr_train\n"
        "print(type(ctr_nightly.dag.timetable).__name__, type(ctr_train.dag.timetable).__name__)\n"
    )
    crons = {"CTR_SET_AIRFLOW__NIGHTLY_CRON": '""', "CTR_SET_AIRFLOW__WEEKLY_TRAINING_CRON": '""'}

    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env={**os.environ, **crons}
    )

    assert run.stdout.splitlines()[-1] == "NullTimetable AssetTriggeredTimetable", run.stderr
