"""Where people look: a night's page or a model's card behind Airflow's login, and a run in Airflow's own pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from airflow.configuration import conf as airflow_conf
from airflow.sdk import BaseOperatorLink

SITE = "ctr-reports"


def page_of(result: Mapping[str, Any]) -> str:
    """The page that a step's result names, below the folder of all report sites; empty where it names none."""
    if result.get("report"):
        return "/".join(PurePath(result["report"]).parts[-3:])  # data set, night, file
    return str(result.get("card") or "")


def page_address(page: str) -> str:
    """Where a page of the report sites is shown, behind Airflow's login."""
    return f"{airflow_address()}/{SITE}/{page}"


def run_address(dag_id: str, run_id: str) -> str:
    """Where Airflow shows a run."""
    return f"{airflow_address()}/dags/{dag_id}/runs/{quote(run_id, safe='')}"


def airflow_address() -> str:
    """Where Airflow's pages are, as its own settings say."""
    return airflow_conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")


class ReportLink(BaseOperatorLink):
    """The button on a task that opens the page that its step has written."""

    name = "Report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's address; empty where the step did not end well. Airflow hands over the task instance itself."""
        result = ti_key.xcom_pull(task_ids=ti_key.task_id)
        return page_address(page_of(result)) if result and page_of(result) else ""
