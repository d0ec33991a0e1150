"""Faults of the surroundings: each ends in words that tell what to do, and leaves the tables as they were."""

from __future__ import annotations

import hashlib
import os
import resource
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from landing_files import FIRST, OPEN_GATE, impression, land
from pyiceberg.expressions import EqualTo
from registered_versions import registered
from sqlalchemy.exc import OperationalError

from conf.errors import RegistryError, RegistryRefusal
from jobs.champion import champion_as_of, load_version
from jobs.cli.failures import in_words
from jobs.night import run_step, trained_or_postponed, training_request
from jobs.store import catalog
from jobs.tracking import reached
from jobs.workspace import Workspace

CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def ctr(
    workspace: Workspace, *arguments: str, limits: dict[int, int] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command on the workspace, in a process of its own, which may have limits."""

    def limited() -> None:
        for kind, amount in (limits or {}).items():
            resource.setrlimit(kind, (amount, amount))

    settings = workspace.home.path.with_name("settings.yaml")
    settings.write_text(yaml.safe_dump({"feed": OPEN_GATE}), encoding="utf-8")
    place = ["--home", str(workspace.home.path), "--data", str(workspace.data), "--dataset", str(CLICK_LOG)]
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments, *place, "--env", str(settings)],
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=limited,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_without_mlflow_the_champion_in_the_home_serves_and_the_training_is_put_off(tiny):
    registered(tiny, FIRST)
    address = f"http://127.0.0.1:{closed_port()}"
    alone = replace(tiny, settings=tiny.settings.model_copy(update={"tracking": {"uri": address}}))
    alone = replace(alone, settings=type(alone.settings).model_validate({"tracking": {"uri": address}}))
    champion = champion_as_of(alone, FIRST)
    assert champion is not None
    load_version(alone, champion.version)

    def unreachable(*_: object, **__: object) -> None:
        raise RegistryError(f"MLflow at {address} does not do what is asked")

    request = training_request(alone, FIRST, "decay: it was")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jobs.night.run_training", unreachable)
        result = trained_or_postponed(alone, request)
    assert address in result.detail["postponed"]


def test_a_training_that_mlflow_refuses_is_not_put_off_night_after_night(tiny):
    def refused(*_: object, **__: object) -> None:
        with reached(tiny, "Look at its log.") as registry:
            registry.get_model_version("no such model", "1")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jobs.night.run_training", refused)
        with pytest.raises(RegistryRefusal, match=r"no such model.*Look at its log"):
            trained_or_postponed(tiny, training_request(tiny, FIRST, "decay: it was"))


def test_a_catalog_that_another_process_holds_is_waited_for_and_then_told_of(tiny, monkeypatch):
    monkeypatch.setattr(catalog, "SECONDS_TO_WAIT", 0.2)
    row = dict.fromkeys(tiny.store.specs["clicks"].columns) | {"dt": FIRST, "impression_id": "i1"}
    tiny.store.replace_rows("clicks", EqualTo("dt", FIRST), [row])
    with closing(sqlite3.connect(tiny.home.catalog)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OperationalError) as caught:
            tiny.store.replace_rows("clicks", EqualTo("dt", FIRST), [row, row])
        other.rollback()
    told = in_words(caught.value, tiny.home.path)
    assert told is not None and "Another process holds a database" in str(told) and told.exit_code == 5
    assert len(tiny.store.rows("clicks")) == 1
    tiny.store.replace_rows("clicks", EqualTo("dt", FIRST), [row, row])
    assert len(tiny.store.rows("clicks")) == 2


def test_a_disk_that_is_full_is_told_of_and_the_night_goes_through_once_there_is_room(tiny):
    """A limit on the size of a file stands for the disk: it needs no right that a user lacks."""
    names = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(3_000)]
    land(tiny.data, FIRST, impressions=[impression(name, FIRST) for name in names], clicks=[])
    ended = ctr(tiny, "ingest", "--date", str(FIRST), limits={resource.RLIMIT_FSIZE: 60_000})
    assert ended.returncode == 5, ended.stdout + ended.stderr
    assert "no room left" in ended.stderr and "Traceback" not in ended.stderr
    assert tiny.store.rows("impressions") == []
    ended = ctr(tiny, "ingest", "--date", str(FIRST))
    assert ended.returncode == 0, ended.stderr
    assert len(tiny.store.rows("impressions")) == 3_000


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)], ids=["23 hours", "25 hours"]
)
def test_days_on_which_the_clock_changes_hold_all_their_hours_and_no_others(tiny, day, hours):
    """In the data set's zone, Europe/Berlin; each hour is written with its offset, so that none is told twice."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(tiny.dataset.time_zone)
    begins = datetime.combine(day, datetime.min.time(), zone).timestamp()
    ends = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone).timestamp()
    assert (ends - begins) / 3600 == hours
    moments = [datetime.fromtimestamp(begins + 3600 * hour, zone) for hour in range(hours + 1)]
    rows = [(f"i{number}", "u1", "a1", at.isoformat(), "top", "1.5") for number, at in enumerate(moments)]
    land(tiny.data, day, impressions=rows[:-1], clicks=[])
    land(tiny.data, day + timedelta(days=1), impressions=rows[-1:], clicks=[])
    for night in (day, day + timedelta(days=1)):
        run_step(tiny, "ingest", night)
    by_day: dict[date, int] = {}
    for row in tiny.store.rows("impressions"):
        by_day[row["dt"]] = by_day.get(row["dt"], 0) + 1
    assert by_day == {day: hours, day + timedelta(days=1): 1}
    assert all(
        row["landed"] == row["used"] + row["duplicates"] + row["quarantined"] for row in tiny.store.rows("landings")
    )


def test_an_engine_that_ends_in_the_middle_is_told_of(tmp_path):
    from pysail.spark import SparkConnectServer
    from pyspark.sql.connect.client.retries import DefaultPolicy

    from jobs.store.engine import CLIENT, _connected

    server = SparkConnectServer(port=0)
    server.start(background=True)
    found = _connected(f"sc://127.0.0.1:{server.listening_address[1]}", CLIENT)
    found.client.set_retry_policies([DefaultPolicy(max_retries=1)])
    assert found.sql("select 1").collect()
    server.stop()
    with pytest.raises(Exception) as caught:
        found.sql("select 1").collect()
    told = in_words(caught.value, tmp_path)
    assert told is not None and "The engine ended" in str(told) and told.exit_code == 5


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "memory"),
        (ImportError("_native.so: failed to map segment from shared object"), "memory"),
        (OSError(28, "No space left on device"), "no room left"),
        (OSError(30, "Read-only file system"), "cannot be written"),
        (RuntimeError("External error: IO error: No space left on device (os error 28)"), "no room left"),
    ],
)
def test_faults_are_known_by_number_or_by_what_a_library_says(error, words, tmp_path):
    assert words in str(in_words(error, tmp_path))


def test_a_defect_of_ours_is_not_blamed_on_the_surroundings(tmp_path):
    assert in_words(KeyError("dt"), tmp_path) is None
    assert in_words(FileNotFoundError(2, "No such file or directory", "template.html"), tmp_path) is None
