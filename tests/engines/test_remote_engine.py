"""A Connect server on another machine, as good as: it is killed in the middle of a night."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from table_content import content, differences

from conf.settings import Settings
from jobs.workspace import Home, Workspace
from tests.engines.conftest import FIRST, landed, run_nights

pytestmark = pytest.mark.spark

PROJECT = Path(__file__).parents[2]
PASSWORD = "for-this-test-alone"
SEVERAL_MINUTES = 400


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def connect_server(port: int) -> Iterator[subprocess.Popen[str]]:
    """A server that answers; it and its JVM are gone afterwards."""
    program = [sys.executable, str(PROJECT / "tests" / "support" / "connect_server.py"), str(port), PASSWORD]
    server = subprocess.Popen(
        program,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    try:
        assert server.stdout is not None and server.stdout.readline() == "ready\n"
        yield server
    finally:
        kill(server)


def kill(server: subprocess.Popen[str]) -> None:
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def night_begun(workspace: Workspace, port: int) -> subprocess.Popen[str]:
    """`ctr night` of the first night on the Connect server, as it runs."""
    place = ["--home", workspace.home.path, "--data", workspace.data, "--dataset", "simulated"]
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", "night", "--date", str(FIRST), *map(str, place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=PROJECT,
        env=os.environ
        | {
            "CTR_SET_ENGINE__KIND": "spark",
            "CTR_SET_ENGINE__MASTER": f"sc://localhost:{port}/;token={PASSWORD}",
        },
    )


def killed_in_the_middle(night: subprocess.Popen[str], server: subprocess.Popen[str]) -> None:
    """Kill the server once the night's first step has told of its end."""
    assert night.stdout is not None
    for line in night.stdout:
        if "ingest" in line:
            kill(server)
            return
    pytest.fail("the night ended before its first step did")


def night_whose_server_was_killed(remote: Workspace, port: int) -> subprocess.Popen[str]:
    """`ctr night` as it runs on; nothing listens at its server's address any more."""
    with connect_server(port) as server:
        night = night_begun(remote, port)
        killed_in_the_middle(night, server)
    return night


def test_a_night_whose_server_dies_ends_in_words_and_is_made_up_for(java, tmp_path):
    embedded = landed(tmp_path, 2, 800)
    remote, port = replace(embedded, home=Home(tmp_path / "remote")), free_port()
    night = night_whose_server_was_killed(remote, port)
    with connect_server(port):  # as a service that is brought up again: it knows nothing of the session
        told = night.communicate(timeout=SEVERAL_MINUTES)[0]
        assert (night.returncode, "Traceback" in told) == (5, False), told
        assert "The engine ended" in told
        again = night_begun(remote, port)
        told = again.communicate(timeout=SEVERAL_MINUTES)[0]
        assert again.returncode == 0, told
    other = run_nights(replace(embedded, settings=Settings()), (FIRST,))
    assert differences(content(other), content(replace(remote, settings=other.settings))) == {}


def test_a_night_whose_server_stays_away_ends_in_words_within_minutes(java, tmp_path):
    night = night_whose_server_was_killed(landed(tmp_path, 1, 800), free_port())
    told = night.communicate(timeout=SEVERAL_MINUTES)[0]
    assert (night.returncode, "Traceback" in told) == (5, False), told
    assert "run the same command again" in told
