"""The services: ports, child processes, report pages, and the variables that Airflow runs with."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest

from jobs.services.airflow_home import AirflowHome, airflow_variables
from jobs.services.commands import backfill_arguments, says_paused
from jobs.services.errors import ServiceError
from jobs.services.ports import free_port, require_free
from jobs.services.processes import Service, ServiceGroup
from jobs.workspace import Home, open_workspace

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
PARENT = (
    "import subprocess, sys, time\n"
    f"child = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], start_new_session=True)\n"
    "print(child.pid, flush=True); time.sleep(60)"
)


def group_in(folder: Path) -> ServiceGroup:
    return ServiceGroup(dict(os.environ), folder, folder / "logs", seconds_to_stop=1)


def first_number(log: Path) -> int:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        text = log.read_text().split()
        if text:
            return int(text[0])
        time.sleep(0.05)
    raise AssertionError("the service printed nothing")


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_taken_port_is_refused_with_the_option_that_changes_it():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(ServiceError, match=f"Port {port} .* --mlflow-port"):
            require_free("127.0.0.1", {"--airflow-port": free_port("127.0.0.1"), "--mlflow-port": port})


def test_one_port_for_two_services_is_refused():
    port = free_port("127.0.0.1")

    with pytest.raises(ServiceError, match="another port"):
        require_free("127.0.0.1", {"--airflow-port": port, "--reports-port": port})


def test_stopping_ends_grandchildren_in_sessions_of_their_own_that_ignore_sigterm(tmp_path):
    group = group_in(tmp_path)
    group.start(Service("parent", (sys.executable, "-c", PARENT), lambda: True))
    grandchild = first_number(group.log_of("parent"))
    assert not gone(grandchild)

    group.stop()

    assert gone(grandchild)


def test_a_service_that_ends_by_itself_is_told_with_the_end_of_its_log(tmp_path):
    group = group_in(tmp_path)
    group.start(Service("broken", (sys.executable, "-c", "import sys; sys.exit('no such table')"), lambda: False))

    with pytest.raises(ServiceError, match=r"broken ended with exit code 1(.|\n)*no such table"):
        group.wait_until_healthy(10, lambda states: None)


def test_sigterm_to_the_one_in_front_leaves_no_child(tmp_path):
    script = (
        "import os, sys, time\nfrom pathlib import Path\n"
        "from jobs.services.processes import Service, ServiceGroup, stopped_at_the_end\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "group = ServiceGroup(dict(os.environ), folder, folder / 'logs', seconds_to_stop=1)\n"
        "with stopped_at_the_end(group):\n"
        f"    group.start(Service('parent', (sys.executable, '-c', {PARENT!r}), lambda: True))\n"
        "    time.sleep(60)\n"
    )
    front = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT_FOLDER, stderr=subprocess.DEVNULL)
    log = tmp_path / "logs" / "parent.log"
    deadline = time.monotonic() + 20
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    grandchild = first_number(log)

    front.send_signal(signal.SIGTERM)
    front.wait(20)

    assert gone(grandchild)


@pytest.fixture
def pages(tmp_path):
    from fastapi.testclient import TestClient

    from jobs.services.report_pages import report_pages

    site = tmp_path / "reports"
    (site / "simulated" / "nights").mkdir(parents=True)
    (site / "simulated" / "index.html").write_text("<h1>Nights</h1>")
    (tmp_path / "secret.txt").write_text("secret")
    (site / "link.txt").symlink_to(tmp_path / "secret.txt")
    return TestClient(report_pages(lambda: site), follow_redirects=False)


def test_the_first_page_links_to_each_data_sets_site(pages):
    assert '<a href="simulated/">' in pages.get("/").text
    assert pages.get("/simulated/").text == "<h1>Nights</h1>"
    assert pages.get("/simulated").headers["location"] == "./simulated/"


@pytest.mark.parametrize(
    "path", ["/%2e%2e/secret.txt", "/..%2fsecret.txt", "/link.txt", "/simulated/nights/", "/none.html"]
)
def test_nothing_outside_the_folder_and_no_listing_is_served(pages, path):
    assert pages.get(path).status_code == 404


def test_scripts_of_a_report_may_not_call_the_server(pages):
    assert "connect-src 'none'" in pages.get("/simulated/").headers["content-security-policy"]


@pytest.mark.parametrize("page", ["/ctr-reports/", "/ctr-runs/ctr_nightly/manual__1"])
def test_the_plugins_pages_ask_for_a_login(airflow_database, airflow_plugins, page):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from ctr_reports import CtrReports
    from ctr_runs import CtrRuns

    host = FastAPI()
    for mount in (*CtrReports.fastapi_apps, *CtrRuns.fastapi_apps):
        host.mount(mount["url_prefix"], mount["app"])

    assert TestClient(host).get(page).status_code == 401


def test_a_backfill_covers_both_ends_in_the_data_sets_zone_one_night_at_a_time():
    arguments = backfill_arguments(date(2026, 1, 3), date(2026, 1, 5), ZoneInfo("Asia/Shanghai"), again=False)

    assert arguments[arguments.index("--from-date") + 1] == "2026-01-03T00:00:00+08:00"
    assert arguments[arguments.index("--to-date") + 1] == "2026-01-05T23:59:59+08:00"
    assert arguments[arguments.index("--max-active-runs") + 1] == "1"


def test_the_password_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    folder = AirflowHome.of(Home(tmp_path))

    folder.create()
    first = folder.password()
    folder.create()

    assert folder.password() == first
    assert stat.S_IMODE(folder.passwords.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_airflow_listens_on_the_loopback_address_and_its_steps_find_this_home(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "9")
    monkeypatch.setenv("AIRFLOW__API__HOST", "0.0.0.0")

    variables = airflow_variables(open_workspace(home=tmp_path, dataset="kuairand"), 8123)

    assert variables["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert variables["AIRFLOW__CORE__PARALLELISM"] == "9"
    assert variables["CTR_HOME"] == str(tmp_path)
    assert variables["CTR_DATASET"] == "kuairand"
    assert variables["AIRFLOW__CORE__DEFAULT_TIMEZONE"] == "Asia/Shanghai"


def test_without_a_schedule_the_crons_are_empty(tmp_path):
    from conf.settings import load_settings

    variables = airflow_variables(open_workspace(home=tmp_path), 8123, on_schedule=False)

    assert load_settings(variables=variables).airflow.nightly_cron == ""


@pytest.mark.parametrize(
    ("printed", "paused"),
    [
        ('2026-11-21T10:17 [info] loaded\n[{"dag_id": "ctr_nightly", "is_paused": "True"}]\n', True),
        ('[{"dag_id": "ctr_nightly", "is_paused": "False"}]', False),
        ("No such dag", False),
        ("[{broken", False),
    ],
)
def test_a_dag_that_is_switched_off_is_known_by_what_airflow_prints(printed: str, paused: bool) -> None:
    assert says_paused(printed) is paused


def test_a_run_that_asks_a_person_is_not_waited_for(tmp_path, capsys):
    from types import SimpleNamespace

    from rich.console import Console

    from jobs.services.night import Watch

    asking = {"task_id": "approve", "state": "awaiting_input", "end_date": None, "duration": None}
    client = SimpleNamespace(run_state=lambda *_: "running", tasks=lambda *_: [asking])

    Watch(client, group_in(tmp_path), Console(width=200)).follow("ctr_train", "manual")

    assert "ctr_train waits for a person at approve" in capsys.readouterr().out
