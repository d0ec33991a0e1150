"""### Training

Trains challengers on mature days, and promotes the best one if it beats the champion on later days. A rejected
challenger leaves the champion in place; the task's XCom, the promotions table and the model's card say why.

**What starts it.** The asset `ctr_drift`, when a night's verdict is *retrain*; the weekly schedule; or a person, with
the form. A run that drift started trains as of the latest day that the events name: several events may have been
gathered into one run. Training the same day and window again finds the version that is there already.

**Approval.** With *wait for a person*, a challenger to which the gate agrees waits under the alias `challenger`. The
task *approve* shows up under *Required Actions* with what the gate said. *Approve* runs *promote*; *Reject*, or three
days without an answer, leave the champion in place. `ctr promote VERSION --reason TEXT` does the same at any time.

**Skipped** means that too few days have matured to train on, or that there was nothing to approve. The log says which.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

from airflow.sdk import DAG, AssetOrTimeSchedule, Param, chain, task

from conf.errors import NotReady
from conf.plain_text import in_markdown
from conf.settings import TrainedKind, load_settings
from ctr_approval import TIME_TO_ANSWER, PersonsApproval, promotion_arguments
from ctr_links import ReportLink
from ctr_notices import tell_failure
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
MODELS = get_args(TrainedKind)
APPROVALS = {"gate": "promote when the gate agrees", "person": "wait for a person"}
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
    "approval": Param(
        APPROVALS[load_settings().promotion.approval],
        type="string",
        enum=list(APPROVALS.values()),
        title="Approval",
        description="Who has the last word on a challenger that the promotion gate agrees to.",
    ),
}


@task(retries=0)
def check_training_form(**context: Any) -> list[str]:
    """Refuse unknown keys, and give the training's arguments."""
    params = context["params"]
    arguments = ["--date", day_of_run(context).isoformat(), "--reason", reason(context)]
    arguments += ["--approval", next(name for name, text in APPROVALS.items() if text == params["approval"])]
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
    # A challenger that waits for a person does not hold up the next training; trainings still go one by one.
    max_active_runs=2,
    dagrun_timeout=TIME_TO_ANSWER + timedelta(hours=12),
    default_args={**DEFAULT_ARGS, "execution_timeout": timedelta(hours=6), "on_failure_callback": tell_failure},
    params=PARAMS,
    user_defined_filters={"in_markdown": in_markdown},  # reasons name values of the data
    tags=["ctr", "training"],
) as dag:
    train = StepOperator(
        task_id="train",
        step="train",
        arguments=check_training_form(),
        skip_codes=[NotReady.exit_code],
        links=[ReportLink()],
        doc_md="Train, compare on later mature days, register; promote if the gate agrees and nobody else is asked.",
    )
    approve = PersonsApproval(
        task_id="approve",
        doc_md="Waits for a person under *Required Actions*; skipped where the training left nothing to one.",
    )
    promote = StepOperator(
        task_id="promote",
        step="promote",
        arguments=promotion_arguments(train.output, approve.output),
        doc_md="Make the approved challenger champion, and let it score what has not been served yet.",
    )
    chain(train, approve)
