"""Airflow plugin: what a run came to, as the note that the list of runs shows, and a tab of the run with its report.

The note is written by the scheduler at a run's end: a task has no way to. A person's own note is left alone.
Every process of Airflow imports this, each task's too, so it imports Airflow's tables only where a run has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from ctr_reports import GuardedPages  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from fastapi import FastAPI
    from sqlalchemy.orm import Session

PREFIX = "/ctr-runs"
NO_REPORT = "<!doctype html><html lang='en'><title>No report</title><p>This run has written no report.</p></html>"
LINK = "_link_ReportLink"
"""Where Airflow keeps what a task's link of the class `ReportLink` leads to."""
TELLING_STEPS = ("monitor", "train")
LONGEST_NOTE = 1000
"""Characters that Airflow keeps of a note."""


class RunNotes:
    """Writes what a run came to into its note."""

    @hookimpl
    def on_dag_run_success(self, dag_run: DagRun) -> None:
        """Note what a run that went well came to."""
        write_note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: DagRun) -> None:
        """Note what a run that failed came to before it did."""
        write_note(dag_run)


def write_note(dag_run: DagRun) -> None:
    """Put what the run's steps told into its note, unless a person wrote one."""
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None or (dag_run.dag_run_note is not None and dag_run.dag_run_note.user_id is not None):
        return
    words = [run_words(result) for result in answers(session, dag_run)]
    if words:
        dag_run.note = "; ".join(words)[:LONGEST_NOTE]


def answers(session: Session, dag_run: DagRun) -> list[Mapping[str, Any]]:
    """What the steps of a run that tell of it have answered."""
    values = kept_values(session, dag_run.dag_id, dag_run.run_id, "return_value")
    return [value for value in values if isinstance(value, Mapping)]


def kept_values(session: Session, dag_id: str, run_id: str, key: str) -> list[Any]:
    """What the telling steps of a run have left under a key."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    asked = select(XComModel).where(
        XComModel.dag_id == dag_id,
        XComModel.run_id == run_id,
        XComModel.task_id.in_(TELLING_STEPS),
        XComModel.key == key,
    )
    return [XComModel.deserialize_value(row) for row in session.scalars(asked)]


def run_words(result: Mapping[str, Any]) -> str:
    """What a step came to: a night's verdict and cause, or what became of a challenger, each with the first reason."""
    from conf.plain_text import in_markdown
    from jobs.outcomes import night_outcome, training_outcome

    told = night_outcome(result) if "verdict" in result else training_outcome(result)
    reasons = list(result.get("reasons") or [])
    return f"{result['day']}: **{told}**" + (f". {in_markdown(reasons[0])}" if reasons else "")


def run_pages(dependencies: Sequence[Any]) -> FastAPI:
    """An application that leads from a run to its report; `dependencies` guard every request."""
    from airflow.utils.session import create_session
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse, RedirectResponse, Response

    app = FastAPI(title="CTR runs", dependencies=list(dependencies), docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/{dag_id}/{run_id:path}")
    def report(dag_id: str, run_id: str) -> Response:
        with create_session() as session:
            addresses = [address for address in kept_values(session, dag_id, run_id, LINK) if address]
        if addresses:  # the path alone: a visitor may know this server by another name, and is logged in there
            return RedirectResponse(urlsplit(addresses[0]).path)
        return HTMLResponse(NO_REPORT, status_code=404)

    return app


class CtrRuns(AirflowPlugin):
    """Lets the scheduler write notes, and shows a run's report as a tab of the run."""

    name = "ctr_runs"
    listeners = [RunNotes()]  # noqa: RUF012
    fastapi_apps = [{"app": GuardedPages(run_pages), "url_prefix": PREFIX, "name": "CTR runs"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "CTR report",
            "href": f"{PREFIX}/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "ctr-report",
        }
    ]
