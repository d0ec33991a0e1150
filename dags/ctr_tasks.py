"""What the DAGs share: when and for which day a run is, and the operator that runs one step of the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pendulum
from airflow.sdk import Asset, BaseOperator, BaseOperatorLink, CronDataIntervalTimetable, Param, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from conf.dataset import Dataset, load_dataset
from conf.errors import FeedBlocked, SettingsError
from conf.plain_text import one_line
from conf.secret_values import known_secrets, without_secrets
from conf.settings import AirflowSettings, load_settings

if TYPE_CHECKING:
    from airflow.sdk import Context

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
CTR_DRIFT = Asset("ctr_drift")
SECONDS_TO_STOP = 10

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "ctr",
    "retries": 2,
    "retry_delay": timedelta(minutes=2),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=30),
    "execution_timeout": timedelta(hours=2),
    # A backfill may be started with several active runs: one step still works on one night at a time.
    "max_active_tis_per_dag": 1,
}

DATE_PARAM = Param(
    None,
    type=["null", "string"],
    format="date",
    title="Day",
    description="Calendar day in the data set's time zone, as YYYY-MM-DD. Empty: yesterday.",
)


def airflow_settings() -> AirflowSettings:
    """Schedules of the DAGs, from the environment that `CTR_ENV` names."""
    return load_settings().airflow


def dataset_zone() -> str:
    """Name of the time zone whose calendar days are the data set's days."""
    return _dataset().time_zone


def dataset_name() -> str:
    """Name of the data set whose nights these are."""
    return _dataset().name


def _dataset() -> Dataset:
    return load_dataset(os.environ.get("CTR_DATASET") or load_settings().dataset)


def on_schedule(cron: str) -> CronDataIntervalTimetable | None:
    """The timetable of a cron expression in the data set's time zone; none where the setting is empty."""
    return CronDataIntervalTimetable(cron, timezone=dataset_zone()) if cron else None


def first_day() -> pendulum.DateTime:
    """Start of the schedule: midnight of the first day, in the data set's time zone."""
    day = date.fromisoformat(airflow_settings().start_date)
    return pendulum.datetime(day.year, day.month, day.day, tz=dataset_zone())


def resolved_day(
    *,
    asked: str | None,
    event_days: Sequence[str],
    run_type: str,
    interval_end: datetime | None,
    logical_date: datetime | None,
    run_after: datetime,
    zone: str,
) -> date:
    """The day that a run is about.

    The form's date comes first, then the latest day that the triggering asset events name. A scheduled or backfilled
    run is about the last day that its interval covers: the day before the interval ends, whether that is a night's
    or a week's. A run by hand without a date is about yesterday, seen from its logical date or else from its start.
    """
    if asked:
        return date.fromisoformat(asked)
    if event_days:
        return max(date.fromisoformat(day) for day in event_days)
    by_hand = run_type == "manual" or interval_end is None
    moment = (logical_date or run_after) if by_hand or interval_end is None else interval_end
    return moment.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)


def refuse_unknown(given: Collection[str], known: Collection[str]) -> None:
    """Fail a run whose conf has keys that no param declares: Airflow itself accepts them and does nothing."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise AirflowFailException(
            f"Unknown key in the run's conf: {', '.join(unknown)}. Known: {', '.join(sorted(known))}. "
            "Trigger the run again with one of those."
        )


def drift_events(context: Context) -> list[Mapping[str, Any]]:
    """Extras of the drift events that started the run, oldest first; events without a day say nothing."""
    events = context["triggering_asset_events"].get(CTR_DRIFT, [])
    extras = [event.extra or {} for event in events]
    return sorted((extra for extra in extras if extra.get("day")), key=lambda extra: str(extra["day"]))


def day_of_run(context: Context) -> date:
    """Check the run's conf, and resolve the day it is about."""
    run = context["dag_run"]
    refuse_unknown(run.conf or {}, context["dag"].params)
    return resolved_day(
        asked=context["params"].get("date"),
        event_days=[str(extra["day"]) for extra in drift_events(context)],
        run_type=str(getattr(run.run_type, "value", run.run_type)),
        interval_end=run.data_interval_end,
        logical_date=run.logical_date,
        run_after=run.run_after,
        zone=dataset_zone(),
    )


@task(retries=0)
def check_form(**context: Any) -> list[str]:
    """Refuse unknown keys, and give the arguments that every step of the night gets."""
    return ["--date", day_of_run(context).isoformat()]


def last_json(text: str, step: str) -> dict[str, Any]:
    """The JSON object on the last line of a step's standard output."""
    lines = text.strip().splitlines()
    with suppress(IndexError, json.JSONDecodeError):
        result = json.loads(lines[-1])
        if isinstance(result, dict):
            return result
    raise AirflowException(f"Step `{step}` ended well but its last line is no JSON object. See the log above.")


class FeedStopped(AirflowFailException):
    """The data gate stopped the night: no other try would end otherwise, and a person has to look."""


class StepOperator(BaseOperator):
    """Runs one step of the command line in a process group of its own; what it answers becomes the XCom.

    The argument list never passes through a shell. Output is streamed to the task log. A wrong setting or a blocked
    feed is not tried again, since nothing would differ; an exit code in `skip_codes` skips the task.
    """

    template_fields = ("arguments",)
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        step: str,
        arguments: Any = (),
        skip_codes: Collection[int] = (),
        links: Collection[BaseOperatorLink] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.operator_extra_links = tuple(links)
        self.step = step
        self.arguments = arguments
        self.skip_codes = skip_codes
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step to its end.

        Raises:
            AirflowSkipException: the exit code is one of `skip_codes`.
            FeedStopped: the data gate stopped the night.
            AirflowFailException: the exit code tells that another try would end the same way.
            AirflowException: any other failure, which is tried again.
        """
        command = [sys.executable, "-m", "jobs.cli", self.step, *self.arguments, "--json"]
        self.log.info("Running %s", command)
        output, errors = self._streamed(command)
        code = self._process.returncode if self._process else 1
        if code == 0:
            return last_json(output, self.step)
        message = f"Step `{self.step}` ended with exit code {code}: {errors.strip() or 'see the log above'}"
        if code in self.skip_codes:
            raise AirflowSkipException(message)
        if code == FeedBlocked.exit_code:
            raise FeedStopped(message)
        raise AirflowFailException(message) if code == SettingsError.exit_code else AirflowException(message)

    def _streamed(self, command: list[str]) -> tuple[str, str]:
        """Standard output, and the end of standard error, of a command whose lines also go to the task log."""
        self._process = subprocess.Popen(
            command,
            cwd=PROJECT_FOLDER,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )
        output: list[str] = []
        errors: list[str] = []
        assert self._process.stdout and self._process.stderr
        reader = threading.Thread(target=self._log_lines, args=(self._process.stderr, errors), daemon=True)
        reader.start()
        try:
            self._log_lines(self._process.stdout, output)
            self._process.wait()
            reader.join()
        finally:
            self.on_kill()
        return "".join(output), "".join(errors[-5:])

    def _log_lines(self, stream: IO[str], kept: list[str]) -> None:
        secrets = known_secrets(os.environ)
        for line in stream:
            told = without_secrets(line, secrets)
            self.log.info("%s", one_line(told.rstrip()))
            kept.append(told)

    def on_kill(self) -> None:
        """End the step and all it started: politely first, then for good."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS_TO_STOP)
                return
