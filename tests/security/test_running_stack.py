"""A running stack, as `ctr up` starts it: where it listens, whom it lets in, what its forms do, what its logs hold."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from jobs.services.ports import free_port

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
MARK = "MARKED-Secret"
TOUCHED = "touched-by-a-param"
SECRETS = {
    "AIRFLOW_CONN_CTR_WEBHOOK": json.dumps({"conn_type": "generic", "password": f"{MARK}-1"}),
    "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "password": f"{MARK}-2"}),
    "CTR_SET_AIRFLOW__NOTIFY__WEBHOOK": "http://127.0.0.1:9/{{ conn.ctr_webhook.password }}",
    "CTR_SET_AIRFLOW__NOTIFY__VERDICTS": "[ok, watch, retrain, wait, blocked]",
    "CTR_SET_STORE__PROPERTIES": json.dumps({"s3.secret-access-key": f"{MARK}-3"}),
    "AWS_SECRET_ACCESS_KEY": f"{MARK}-4",
}

pytestmark = pytest.mark.long


@dataclass(frozen=True)
class Stack:
    """A stack that is up: its addresses, its home, the process in front, and what that said."""

    airflow: str
    mlflow: str
    reports: str
    home: Path
    process: psutil.Process
    output: Path

    @property
    def password(self) -> str:
        return str(json.loads((self.home / "airflow" / "passwords.json").read_text())["admin"])

    def token(self) -> dict[str, str]:
        login = {"username": "admin", "password": self.password}
        answer = httpx.post(f"{self.airflow}/auth/token", json=login, trust_env=False)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    home = tmp_path_factory.mktemp("home")
    ports = [free_port("127.0.0.1") for _ in range(3)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CTR_", "AIRFLOW"))}
    variables = inherited | SECRETS | {"CTR_HOME": str(home), "PYTHONPATH": str(PROJECT_FOLDER)}
    ctr = [sys.executable, "-m", "jobs.cli"]
    simulate = ["simulate", "--start", "2026-01-01", "--days", "1", "--impressions", "1000"]
    subprocess.run([*ctr, *simulate], check=True, capture_output=True, env=variables, cwd=PROJECT_FOLDER)
    output = home.parent / f"{home.name}.out"
    options = ["--no-schedule", "--airflow-port", str(ports[0]), "--mlflow-port", str(ports[1])]
    with output.open("wb") as stream:
        process = psutil.Popen(
            [*ctr, "up", *options, "--reports-port", str(ports[2])],
            env=variables,
            cwd=PROJECT_FOLDER,
            stdout=stream,
            stderr=stream,
        )
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        deadline = time.monotonic() + 240
        while "Ctrl-C stops everything" not in output.read_text():
            assert process.poll() is None and time.monotonic() < deadline, output.read_text()
            time.sleep(0.5)
        yield Stack(*addresses, home, process, output)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except psutil.TimeoutExpired:
            for member in (*process.children(recursive=True), process):
                member.kill()


def test_everything_listens_on_loopback_alone(stack):
    listening = {}
    for member in (stack.process, *stack.process.children(recursive=True)):
        for connection in member.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN or connection.type.name == "SOCK_DGRAM":
                listening[connection.laddr] = " ".join(member.cmdline())[:120]
    assert len(listening) >= 3
    assert {address: who for address, who in listening.items() if address.ip not in ("127.0.0.1", "::1")} == {}


def test_no_secret_stands_on_a_command_line(stack):
    lines = [" ".join(member.cmdline()) for member in (stack.process, *stack.process.children(recursive=True))]
    assert not [line for line in lines if MARK in line or stack.password in line]


@pytest.mark.parametrize(
    "path", ["/ctr-reports/", "/ctr-reports/%2e%2e/airflow/passwords.json", "/ctr-runs/ctr_nightly/x"]
)
def test_the_plugins_want_airflows_login(stack, path):
    assert httpx.get(f"{stack.airflow}{path}", trust_env=False).status_code == 401
    forged = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."}
    assert httpx.get(f"{stack.airflow}{path}", headers=forged, trust_env=False).status_code in (401, 403)


def test_a_login_opens_the_reports_and_nothing_outside(stack):
    login = stack.token()
    assert httpx.get(f"{stack.airflow}/ctr-reports/", headers=login, trust_env=False).status_code == 200
    for path in ("%2e%2e/airflow/passwords.json", "..%2fairflow%2fpasswords.json", "%2e%2e%2fcatalog.db"):
        for base in (f"{stack.airflow}/ctr-reports", stack.reports):
            answer = httpx.get(f"{base}/{path}", headers=login, trust_env=False)
            assert answer.status_code == 404 and stack.password not in answer.text


@pytest.mark.parametrize(
    "date", ["2026-01-01; rm -rf", f"2026-01-01; touch {TOUCHED}", f"$(touch {TOUCHED})", "{{ 7 * 7 }}", "../../etc"]
)
def test_the_rest_interface_refuses_a_date_that_is_none(stack, date):
    body = {"logical_date": None, "conf": {"date": date}}
    address = f"{stack.airflow}/api/v2/dags/ctr_nightly/dagRuns"
    assert httpx.post(address, json=body, headers=stack.token(), trust_env=False).status_code in (400, 422)
    assert httpx.post(address, json=body, trust_env=False).status_code == 401
    assert httpx.get(address, headers=stack.token(), trust_env=False).json()["total_entries"] == 0


def test_the_trigger_form_refuses_it_too(stack, browser):
    page = browser.new_page()
    page.goto(f"{stack.airflow}/auth/login/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", stack.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{stack.airflow}/dags/ctr_nightly")
    page.get_by_role("button", name=re.compile("Trigger")).first.click()
    page.wait_for_timeout(2_000)
    sent: list[tuple[int, str]] = []
    page.on("response", lambda got: sent.append((got.status, got.url)) if got.request.method == "POST" else None)
    field = page.locator("input[type=date], input[name*=date]").first
    field.evaluate("(input) => { input.type = 'text' }")
    field.fill(f"2026-01-01; touch {TOUCHED}")
    page.get_by_role("button", name=re.compile("^Trigger")).last.click()
    page.wait_for_timeout(3_000)
    page.close()

    assert not [status for status, url in sent if "dagRuns" in url and status < 400]
    runs = httpx.get(f"{stack.airflow}/api/v2/dags/ctr_nightly/dagRuns", headers=stack.token(), trust_env=False)
    assert runs.json()["total_entries"] == 0


def test_a_night_and_a_failed_one_leave_no_secret_in_any_log_or_page(stack):
    login, base = stack.token(), f"{stack.airflow}/api/v2/dags/ctr_nightly"
    httpx.patch(base, json={"is_paused": False}, headers=login, trust_env=False)
    states = {}
    for day in ("2026-01-01", "2019-01-01"):
        body = {"logical_date": None, "conf": {"date": day}, "note": "<script>document.title='PWNED'</script>"}
        run = httpx.post(f"{base}/dagRuns", json=body, headers=login, trust_env=False).json()["dag_run_id"]
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            address = f"{base}/dagRuns/{run}/taskInstances"
            tasks = httpx.get(address, headers=login, trust_env=False).json()["task_instances"]
            found = {task["task_id"]: task["state"] for task in tasks}
            if found.get("ingest") == "up_for_retry" or found.get("monitor") == "success":
                break
            time.sleep(1)
        states[day] = found
    assert states["2026-01-01"]["monitor"] == "success" and states["2019-01-01"]["ingest"] == "up_for_retry"
    for file in (path for path in (stack.home, *stack.home.rglob("*")) if path.is_file()):
        text = file.read_bytes().decode("latin-1")
        assert MARK not in text, file
        if file.name != "passwords.json":
            assert stack.password not in text, file
    assert MARK not in stack.output.read_text() and stack.password not in stack.output.read_text()


def test_what_the_stack_wrote_can_be_written_by_nobody_else(stack):
    entries = [entry for entry in stack.home.rglob("*") if not entry.is_symlink() and not entry.is_socket()]
    assert [str(entry) for entry in entries if entry.stat().st_mode & 0o022] == []
    assert (stack.home / "airflow").stat().st_mode & 0o077 == 0


def test_no_param_touched_anything(stack):
    assert not list(stack.home.rglob(TOUCHED)) and not (PROJECT_FOLDER / TOUCHED).exists()
