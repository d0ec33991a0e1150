"""What people are told, and when: a verdict that needs one, a failure, a night that is late, a training that waits.

The functions `tell_*` are callbacks of tasks and of the nightly deadline. A night that needs nobody tells nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from conf.settings import NotificationSettings
from ctr_delivery import Notice, deliver
from ctr_links import page_address, page_of, run_address
from ctr_tasks import FeedStopped, airflow_settings, dataset_name, dataset_zone, day_of_run, resolved_day

if TYPE_CHECKING:
    from airflow.sdk import Context

LONGEST_ERROR = 500


def receivers() -> NotificationSettings:
    """Who is told, of what, from the environment that `CTR_ENV` names."""
    return airflow_settings().notify


def tell_verdict(context: Context) -> None:
    """Tell of a night's verdict, where it is one of those that the settings name."""
    run, settings = context["dag_run"], receivers()
    decision = context["ti"].xcom_pull(task_ids=context["ti"].task_id)
    if decision["verdict"] in settings.verdicts and run_type(run.run_type) != "backfill":
        deliver(verdict_notice(decision, run.dag_id, run.run_id), settings)


def tell_failure(context: Context) -> None:
    """Tell that a task has failed for good: the night, the training or the maintenance stops there."""
    day = None
    if "date" in (context.get("params") or {}):
        with suppress(Exception):  # the day may be what is wrong
            day = day_of_run(context)
    ti = context["ti"]
    deliver(failure_notice(ti.dag_id, ti.run_id, ti.task_id, context.get("exception"), day), receivers())


def tell_waiting(context: Context) -> None:
    """Tell that a challenger waits for a person's word."""
    trained, ti = context["ti"].xcom_pull(task_ids="train"), context["ti"]
    model = f"{trained['model']} v{trained['version']}"
    notice = Notice(
        f"{dataset_name()}: {model}, trained as of {trained['day']}, waits for a person under Required Actions.",
        tuple(trained["reasons"]),
        run_address(ti.dag_id, ti.run_id),
        {**_facts("approval", ti.dag_id, ti.run_id, trained["day"]), "model": model},
    )
    deliver(notice, receivers())


def tell_late(context: Mapping[str, Any]) -> None:
    """Tell that a night has not ended in time. Airflow gives a deadline's callback plain values alone."""
    run = context["dag_run"]
    if run_type(run["run_type"]) != "backfill":
        deliver(late_notice(run), receivers())


def verdict_notice(decision: Mapping[str, Any], dag_id: str, run_id: str) -> Notice:
    """A night's verdict with its reasons and a link to its page."""
    day, verdict, cause = decision["day"], decision["verdict"], decision["cause"].replace("_", " ")
    facts = {**_facts("verdict", dag_id, run_id, day), "verdict": verdict, "cause": decision["cause"]}
    line = f"{dataset_name()}, night of {day}: {verdict}, {cause}"
    return Notice(line, tuple(decision["reasons"]), page_address(page_of(decision)), facts)


def failure_notice(dag_id: str, run_id: str, task_id: str, error: object, day: date | None) -> Notice:
    """A failure; one of the data gate is the verdict *blocked* of a night that has no other."""
    facts = _facts("failure", dag_id, run_id, day.isoformat() if day else None) | {"task": task_id}
    line = f"{dataset_name()}{f', {day}' if day else ''}: {dag_id} failed at {task_id}"
    if isinstance(error, FeedStopped):
        facts |= {"kind": "verdict", "verdict": "blocked", "cause": "broken_input"}
        line = f"{dataset_name()}, night of {day}: blocked, broken input"
    words = str(error)[:LONGEST_ERROR] if error else "Its process ended without a word; see the log."
    return Notice(line, (words,), run_address(dag_id, run_id), facts)


def late_notice(run: Mapping[str, Any]) -> Notice:
    """A night that has not ended in time, from what Airflow's API tells of its run."""
    day = resolved_day(
        asked=(run.get("conf") or {}).get("date"),
        event_days=[],
        run_type=run_type(run["run_type"]),
        interval_end=moment(run.get("data_interval_end")),
        logical_date=moment(run.get("logical_date")),
        run_after=datetime.fromisoformat(run["run_after"]),
        zone=dataset_zone(),
    )
    hours = airflow_settings().late_after_hours
    line = f"{dataset_name()}, night of {day}: late, not done {hours:g} hours after it was due"
    link = run_address(run["dag_id"], run["dag_run_id"])
    return Notice(
        line, (f"The run is {run['state']}.",), link, _facts("late", run["dag_id"], run["dag_run_id"], str(day))
    )


def moment(text: str | None) -> datetime | None:
    """A time as Airflow's API spells it."""
    return datetime.fromisoformat(text) if text else None


def run_type(kind: Any) -> str:
    """A run's type in one spelling: Airflow gives an enumeration here and text there."""
    return str(getattr(kind, "value", kind))


def _facts(kind: str, dag_id: str, run_id: str, day: str | None) -> dict[str, Any]:
    return {"kind": kind, "dataset": dataset_name(), "day": day, "dag": dag_id, "run": run_id}
