"""Airflow plugin: the report site behind Airflow's login, and its entry in the navigation."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/ctr-reports"


def reports_folder() -> Path:
    """The report site of the home that `CTR_HOME` names."""
    from jobs.workspace import Home

    return Home(Path(os.environ.get("CTR_HOME") or "var").expanduser()).reports


def guarded_pages() -> object:
    """The report pages, for logged-in users only: Airflow itself does not guard a plugin's application."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends

    from jobs.services.report_pages import report_pages

    return report_pages(reports_folder, dependencies=[Depends(get_user)])


class CtrReports(AirflowPlugin):
    """Mounts the pages, and shows them under *CTR reports*."""

    name = "ctr_reports"
    external_views = [  # noqa: RUF012  the base class declares it so
        {"name": "CTR reports", "href": f"{PREFIX}/", "destination": "nav", "url_route": "ctr-reports"}
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, object]]:
        return []
