"""A client of Airflow's public API, no larger than running and watching a night needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from jobs.services.errors import ServiceError


@dataclass
class AirflowClient:
    """Talks to the api-server at `address` as one user."""

    address: str
    user: str
    password: str
    _http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Open the connection; logging in waits for the first call that needs it."""
        self._http = httpx.Client(base_url=self.address, timeout=20, trust_env=False)

    def health(self, component: str) -> bool:
        """Whether a component (`scheduler`, `dag_processor`, `triggerer`, `metadatabase`) says that it works."""
        try:
            answer = self._http.get("/api/v2/monitor/health", timeout=3)
            return bool(answer.status_code == 200 and answer.json().get(component, {}).get("status") == "healthy")
        except (httpx.HTTPError, ValueError):
            return False

    def dag_paused(self, dag_id: str) -> bool | None:
        """Whether a DAG is paused, or None while Airflow does not know it."""
        answer = self._request("GET", f"/dags/{dag_id}", accept_missing=True)
        return None if answer is None else bool(answer["is_paused"])

    def pause(self, dag_id: str, paused: bool) -> None:
        """Pause a DAG, or let it run."""
        self._request("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def import_errors(self) -> list[str]:
        """What keeps DAG files from loading."""
        found = (self._request("GET", "/importErrors") or {}).get("import_errors", [])
        return [f"{error['filename']}:\n{error['stack_trace']}" for error in found]

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run by hand, and give its id."""
        answer = self._request("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": conf})
        return str((answer or {})["dag_run_id"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The latest runs of a DAG, newest first."""
        parameters = {"order_by": "-run_after", "limit": 20}
        return list((self._request("GET", f"/dags/{dag_id}/dagRuns", params=parameters) or {})["dag_runs"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """State of a run: queued, running, success or failed."""
        return str((self._request("GET", f"/dags/{dag_id}/dagRuns/{run_id}") or {})["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run."""
        answer = self._request("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        return list((answer or {})["task_instances"])

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """Mark a run as failed, so that nothing of it is tried again."""
        self._request("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": "failed"})

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> list[str]:
        """Lines of a task's log."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        content = (self._request("GET", path) or {}).get("content", [])
        return [str(entry.get("event", entry)) if isinstance(entry, dict) else str(entry) for entry in content]

    def _request(self, method: str, path: str, accept_missing: bool = False, **options: Any) -> dict[str, Any] | None:
        if "Authorization" not in self._http.headers:
            self._log_in()
        try:
            answer = self._http.request(method, f"/api/v2{path}", headers={"Accept": "application/json"}, **options)
        except httpx.HTTPError as error:
            raise ServiceError(f"Airflow at {self.address} does not answer: {error}") from error
        if accept_missing and answer.status_code == 404:
            return None
        if answer.is_error:
            raise ServiceError(f"Airflow refused {method} {path} ({answer.status_code}): {answer.text[:500]}")
        return dict(answer.json())

    def _log_in(self) -> None:
        try:
            answer = self._http.post("/auth/token", json={"username": self.user, "password": self.password})
        except httpx.HTTPError as error:
            raise ServiceError(f"Airflow at {self.address} does not answer: {error}") from error
        if answer.is_error:
            raise ServiceError(f"Airflow at {self.address} refused the login of `{self.user}` ({answer.status_code}).")
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
