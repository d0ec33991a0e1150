"""The report pages and the plugins' pages: nothing outside the folder, nothing without a login."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_reports import served

SECRET = "mark-of-a-file-outside"

OUTSIDE = [
    "/../secret.txt",
    "/simulated/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%2fsecret.txt",
    "/..%5csecret.txt",
    "/%252e%252e%252fsecret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "/....//secret.txt",
    "//etc/passwd",
    "/%2fetc/passwd",
    "/file:///etc/passwd",
    "/link.txt",
    "/simulated/linked-folder/secret.txt",
    "/linked-sibling/secret.txt",
    "/secret.txt%00",
    "/%00",
    "/simulated/index.html%00.txt",
    "/loop/x",
    "/" + "a" * 5_000,
    "/simulated/" + "x/" * 2_000,
    "/%ff%fe",
    "/~/secret.txt",
    "/.hidden",
    "/simulated/.index.html.123",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A report site, with secrets beside it and ways that lead there."""
    place = tmp_path_factory.mktemp("place")
    root = place / "reports"
    (root / "simulated" / "nights").mkdir(parents=True)
    (root / "simulated" / "index.html").write_text("<h1>Nights</h1>")
    (root / "simulated" / ".index.html.123").write_text(SECRET)
    (root / ".hidden").write_text(SECRET)
    (place / "secret.txt").write_text(SECRET)
    (place / "reports-sibling").mkdir()
    (place / "reports-sibling" / "secret.txt").write_text(SECRET)
    (root / "link.txt").symlink_to(place / "secret.txt")
    (root / "simulated" / "linked-folder").symlink_to(place)
    (root / "linked-sibling").symlink_to(place / "reports-sibling")
    (root / "loop").symlink_to(root / "loop")
    return root


@pytest.fixture(scope="module")
def port(site) -> Iterator[int]:
    with served(site) as found:
        yield found


def asked(port: int, path: str, *, method: str = "GET", host: str = "localhost") -> tuple[int, str]:
    """Status and whole answer to a request whose path goes over the line as it stands: no client tidies it up."""
    request = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(request.encode("latin-1"))
        answer = b"".join(iter(lambda: line.recv(65_536), b"")).decode("latin-1")
    return int(answer.split(" ")[1]), answer


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path[:40])
def test_no_path_leads_out_of_the_folder_or_to_unfinished_files_or_to_an_error_page(port, path):
    status, answer = asked(port, path)

    assert SECRET not in answer and "root:" not in answer
    assert status == 404, answer[:300]


def test_pages_are_served_with_headers_that_keep_their_scripts_apart(port):
    status, answer = asked(port, "/simulated/")

    assert status == 200 and "<h1>Nights</h1>" in answer
    policy = next(line for line in answer.splitlines() if line.lower().startswith("content-security-policy:"))
    assert "sandbox " in policy and "allow-same-origin" not in policy
    assert "connect-src 'none'" in policy and "form-action 'none'" in policy
    assert "x-content-type-options: nosniff" in answer.lower()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_pages_are_read_only(port, method):
    assert asked(port, "/simulated/", method=method)[0] == 405


def test_a_name_that_another_site_points_here_is_refused(port):
    """A page elsewhere may give its own name this address and read the answers in a visitor's browser."""
    assert asked(port, "/simulated/", host="evil.example")[0] == 400


@pytest.mark.parametrize("path", ["//evil.example", "/%2f%2fevil.example/..", "/simulated/..%2f..%2fevil.example"])
def test_no_redirection_leads_to_another_site(port, path):
    _, answer = asked(port, path)
    lines = [line.split(":", 1)[1].strip() for line in answer.splitlines() if line.lower().startswith("location:")]
    assert not [line for line in lines if line.startswith(("//", "http", "\\"))]


PLUGIN_PATHS = [
    "/ctr-reports/",
    "/ctr-reports/simulated/",
    "/ctr-reports/%2e%2e/secret.txt",
    "/ctr-reports//",
    "/ctr-reports/%00",
    "/ctr-runs/ctr_nightly/manual__1",
    "/ctr-runs/x/../../ctr-reports/",
    "/ctr-reports/docs",
    "/ctr-reports/openapi.json",
    "/ctr-runs/docs/openapi.json",
]


@pytest.fixture
def plugins(airflow_database, airflow_plugins, site, monkeypatch):
    """The plugins' pages mounted as Airflow mounts them, over a home whose reports are the site."""
    from airflow.api_fastapi.app import create_app
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from ctr_reports import CtrReports
    from ctr_runs import CtrRuns

    create_app(apps="core")  # makes what checks the logins
    monkeypatch.setenv("CTR_HOME", str(site.parent))
    host = FastAPI()
    for mount in (*CtrReports.fastapi_apps, *CtrRuns.fastapi_apps):
        host.mount(mount["url_prefix"], mount["app"])
    return TestClient(host, follow_redirects=False)


@pytest.mark.long
@pytest.mark.parametrize("path", PLUGIN_PATHS)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged.token.here"}, {"Cookie": "_token=forged"}])
def test_every_page_of_the_plugins_asks_for_a_login(plugins, path, headers):
    assert plugins.get(path, headers=headers).status_code in (401, 403)


@pytest.mark.long
def test_a_logged_in_person_gets_pages_and_nothing_outside(plugins, airflow_database):
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="jane", role="viewer"))
    login = {"Authorization": f"Bearer {token}"}

    assert plugins.get("/ctr-reports/simulated/", headers=login).text == "<h1>Nights</h1>"
    for path in ("/ctr-reports/%2e%2e/secret.txt", "/ctr-reports/link.txt", "/ctr-reports/%00"):
        answer = plugins.get(path, headers=login)
        assert answer.status_code == 404 and SECRET not in answer.text
