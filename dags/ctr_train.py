"""### Training

Trains challengers on mature days, and promotes the best one if it beats the champion on later days. A rejected
challenger leaves the champion in place; the task's XCom and the promotions table say why.

**What starts it.** The asset `ctr_drift`, when a night's verdict is *retrain*; the weekly schedule; or a person, with
the form. A run that drift started trains as of the latest day that the events name: several events may have been
gathered into one run. Training the same day and window again finds the version that is there already.

**Skipped** means that too few days have matured to train on. The log says how many are needed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, Param, task

from conf.errors import NotReady
from ctr_tasks import (
    CTR_DRIFT,
    DATE_PARAM,
    DEFAULT_ARGS,
    StepOperator,
    airflow_settings,
    day_of_run,
    drift_events,
    first_day,
    on_schedule,
)

WEEKLY = on_schedule(airflow_settings().weekly_training_cron)
MODELS = ("logistic_regression", "xgboost", "mix")
PARAMS = {
    "date": DATE_PARAM,
    "window_days": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=365,
        title="Window",
        description="Mature days to learn from, at most. Empty: as in the settings.",
    ),
    "models": Param(
        [],
        type="array",
        items={"type": "string", "enum": list(MODELS)},
        uniqueItems=True,
        examples=list(MODELS),
        title="Models",
        description="Kinds of model that compete. None chosen: as in the settings.",
    ),
    "promote": Param(
        True,
        type="boolean",
        title="Promote",
        description="Let the promotion gate replace the champion. Off: train and register only.",
    ),
}


@task(retries=0)
def check_training_form(**context: Any) -> list[str]:
    """Refuse unknown keys, and give the training's arguments."""
    params = context["params"]
    arguments = ["--date", day_of_run(context).isoformat(), "--reason", reason(context)]
    if params["window_days"] is not None:
        arguments += ["--window-days", str(params["window_days"])]
    if params["models"]:
        arguments += ["--models", ",".join(params["models"])]
    return arguments if params["promote"] else [*arguments, "--no-promote"]


def reason(context: Any) -> str:
    """Why the run was started, for the promotions table."""
    events = drift_events(context)
    if events:
        return f"drift on {events[-1]['day']}: {events[-1].get('cause', 'cause not given')}"
    return "by hand in Airflow" if context["dag_run"].run_type == "manual" else "weekly schedule"


with DAG(
    dag_id="ctr_train",
    description="Challengers, the promotion gate, and perhaps a new champion",
    doc_md=__doc__,
    schedule=AssetOrTimeSchedule(timetable=WEEKLY, assets=CTR_DRIFT) if WEEKLY else [CTR_DRIFT],
    start_date=first_day(),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    default_args={**DEFAULT_ARGS, "execution_timeout": timedelta(hours=6)},
    params=PARAMS,
    tags=["ctr", "training"],
) as dag:
    StepOperator(
        task_id="train",
        step="train",
        arguments=check_training_form(),
        skip_codes=[NotReady.exit_code],
        doc_md="Train, compare on later mature days, register; promote if the gate agrees.",
    )
