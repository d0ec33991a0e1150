"""Airflow plugin: the report site behind Airflow's login, and its entry in the navigation.

Every process of Airflow imports it, each task's too, so it imports nothing until the first page is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/ctr-reports"


def reports_folder() -> Path:
    """The report site of the home that `CTR_HOME` names."""
    from jobs.workspace import Home

    return Home.at().reports


def site(dependencies: Sequence[Any]) -> FastAPI:
    """The report pages."""
    from jobs.services.report_pages import report_pages

    return report_pages(reports_folder, dependencies)


@dataclass
class GuardedPages:
    """Pages as an ASGI application for logged-in users only: Airflow does not guard plugins itself.

    `build` makes them, with the dependencies that every request is to have.
    """

    build: Callable[[Sequence[Any]], FastAPI]

    @cached_property
    def app(self) -> FastAPI:
        """The pages, built at the first request."""
        from airflow.api_fastapi.core_api.security import get_user
        from fastapi import Depends

        return self.build([Depends(get_user)])

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        await self.app(scope, receive, send)


class CtrReports(AirflowPlugin):
    """Mounts the pages, and shows them in the navigation as *CTR reports*."""

    name = "ctr_reports"
    fastapi_apps = [{"app": GuardedPages(site), "url_prefix": PREFIX, "name": "CTR reports"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {"name": "CTR reports", "href": f"{PREFIX}/", "destination": "nav", "url_route": "ctr-reports"}
    ]
