"""### One night

Takes in the logs of one day, labels them, computes the features as of the next morning, scores the next day's
candidates, measures yesterday's predictions against what was clicked, and decides whether the model may stay.

**Which day.** A scheduled run is about the day that has just ended, in the data set's time zone. A run by hand is
about the date in its form, or yesterday where the form is left empty. Any day can be run again: every step replaces
that day's tables as a whole.

**Backfill.** `ctr airflow-backfill --from 2026-01-03 --to 2026-01-05` runs those three nights in order. With
Airflow's own command or form, a night's logical date is its day at the hour of the schedule, so the end must lie
after that hour, and nights run in order only with one active run.

**Drift.** When the verdict is *retrain*, the last task updates the asset `ctr_drift`, which starts `ctr_train`;
otherwise it is skipped. An asset does not start a DAG that is paused: switch on `ctr_train` too.

**Who is told.** Where `airflow.notify` in the settings names a webhook or e-mail addresses, they get the verdict, its
cause and a link to the night's page when it is one of `verdicts`; a task that failed for good; and a night that has
not ended after `late_after_hours`. A calm night tells nobody.

**When a task fails.** Its log ends with what was wrong and what to do. *Clear* the task once that is done.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, chain, task
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowSkipException

from ctr_links import ReportLink
from ctr_notices import tell_failure, tell_late, tell_verdict
from ctr_tasks import (
    CTR_DRIFT,
    DATE_PARAM,
    DEFAULT_ARGS,
    StepOperator,
    airflow_settings,
    check_form,
    first_day,
    on_schedule,
)

STEPS = {
    "ingest": "Landing files of the day: impressions and clicks; unusable rows to quarantine; the data gate.",
    "label": "Examples of the day, and earlier days whose labels have matured meanwhile.",
    "features": "Feature snapshots as of the start of the next day.",
    "score": "Click probabilities for the next day's candidates.",
    "evaluate": "Predictions of the day against its clicks, by slice.",
    "monitor": "Drift report and the decision: ok, watch or retrain.",
}
MORE: dict[str, dict[str, Any]] = {"monitor": {"on_success_callback": tell_verdict, "links": [ReportLink()]}}


@task(outlets=[CTR_DRIFT], retries=0)
def announce_drift(decision: dict[str, Any], *, outlet_events: Any = None) -> None:
    """Update the drift asset if the night's verdict is *retrain*; else skip, so that no event is written."""
    if decision["verdict"] != "retrain":
        raise AirflowSkipException(f"Verdict of {decision['day']}: {decision['verdict']}. Nothing to announce.")
    outlet_events[CTR_DRIFT].extra = {"day": decision["day"], "cause": decision["cause"]}


with DAG(
    dag_id="ctr_nightly",
    description="One night: logs in, predictions and a drift verdict out",
    doc_md=__doc__,
    schedule=on_schedule(airflow_settings().nightly_cron),
    start_date=first_day(),
    catchup=False,
    # A night that waits for late logs does not hold up one that a person starts.
    max_active_runs=2,
    dagrun_timeout=timedelta(hours=8),
    deadline=DeadlineAlert(
        name="night_done",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=airflow_settings().late_after_hours),
        callback=SyncCallback(tell_late),
    ),
    default_args={**DEFAULT_ARGS, "on_failure_callback": tell_failure},
    params={"date": DATE_PARAM},
    tags=["ctr", "nightly"],
) as dag:
    arguments = check_form()
    steps = [
        StepOperator(task_id=step, step=step, arguments=arguments, doc_md=doc, **MORE.get(step, {}))
        for step, doc in STEPS.items()
    ]
    chain(arguments, *steps, announce_drift(steps[-1].output))
