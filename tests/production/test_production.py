"""Nights with the catalog on PostgreSQL, tables in object storage and MLflow on a server: the same as in files."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from landing_files import land_inline
from table_content import content, differences, far_apart

from jobs.night import nights_between
from jobs.workspace import Home, Workspace, open_workspace
from tests.production.conftest import PROJECT_FOLDER, ctr

START, NIGHTS = date(2026, 1, 10), 5
LAST = START + timedelta(days=NIGHTS - 1)
SPAN = ("--start", str(START), "--end", str(LAST))
OF_A_MODEL = ("trainings", "predictions", "quality", "decisions")
"""Tables that hold what a model promised. It learns the rows of a day in the order in which they lie in their files."""

DESCRIPTION = PROJECT_FOLDER / "tests" / "data" / "inline_label.yaml"

pytestmark = pytest.mark.slow


def impressions() -> Iterator[tuple[str, str, str, str, str]]:
    """A log in which clicks follow the tab, 200 rows a day."""
    random = Random(7)
    for day in nights_between(START, LAST):
        for row in range(200):
            tab = random.choice("01")
            click = int(random.random() < (0.6 if tab == "1" else 0.2))
            at = f"{day}T{row % 24:02d}:{row % 60:02d}:{row // 24:02d}+08:00"
            yield f"u{random.randrange(40)}", f"a{random.randrange(12)}", at, tab, str(click)


@pytest.fixture(scope="module")
def landed(tmp_path_factory) -> dict[str, str]:
    """Variables that name the log."""
    landing = tmp_path_factory.mktemp("landing")
    land_inline(landing, list(impressions()))
    return {"CTR_DATASET": str(DESCRIPTION), "CTR_DATA": str(landing)}


@pytest.fixture(scope="module")
def served(landed, postgres, storage) -> dict[str, str]:
    """Variables of conf/prod.yaml with catalog and storage of this machine."""
    store = {"CTR_SET_STORE__CATALOG_URI": postgres.database("catalog"), "CTR_SET_STORE__WAREHOUSE": "s3://ctr/tables"}
    return landed | storage | store | {"CTR_ENV": "prod"}


@pytest.fixture(scope="module")
def local(tmp_path_factory, landed) -> dict[str, str]:
    """Variables of a home with everything in files, in which all nights have run."""
    variables = landed | {"CTR_HOME": str(tmp_path_factory.mktemp("local"))}
    done = ctr(variables, "replay", *SPAN)
    assert done.code == 0, done.err
    return variables


@pytest.fixture(scope="module")
def remote(tmp_path_factory, served, tracking_server) -> dict[str, str]:
    """Variables of a home with everything on servers, in which the same nights have run."""
    variables = served | {"CTR_HOME": str(tmp_path_factory.mktemp("remote")), "CTR_SET_TRACKING__URI": tracking_server}
    done = ctr(variables, "replay", *SPAN)
    assert done.code == 0, done.out + done.err
    return variables


def opened(variables: dict[str, str], monkeypatch) -> Workspace:
    for name in [name for name in os.environ if name.startswith("CTR_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return open_workspace()


def test_the_tables_are_those_that_one_machine_gives(local, remote, monkeypatch):
    with monkeypatch.context() as patched:
        there = content(opened(remote, patched))
    with monkeypatch.context() as patched:
        here = content(opened(local, patched))

    assert here["trainings"] and here["promotions"] and here["predictions"]
    assert differences({name: here[name] for name in here if name not in OF_A_MODEL}, there) == {}
    assert far_apart({name: here[name] for name in OF_A_MODEL}, there) == {}


def test_no_table_file_lies_in_the_home_and_no_password_in_any_file(remote, secrets):
    home = Path(remote["CTR_HOME"])

    assert not list((home / "warehouse").rglob("*")) and not (home / "catalog.db").exists()
    for file in (path for path in home.rglob("*") if path.is_file()):
        text = file.read_bytes().decode("latin-1")
        assert not [secret for secret in secrets if secret in text], file


def test_reading_commands_work_on_it_and_tell_no_password(remote, secrets):
    for arguments in (
        ("status",),
        ("settings",),
        ("models",),
        ("show", "predictions", "--limit", "3"),
        ("training-set", "--version", "1"),
    ):
        done = ctr(remote, *arguments)
        assert done.code == 0, done.err
        assert not [secret for secret in secrets if secret in done.out + done.err], arguments


def test_a_night_that_runs_again_changes_nothing(remote, monkeypatch):
    with monkeypatch.context() as patched:
        before = content(opened(remote, patched))
    done = ctr(remote, "night", "--date", str(LAST))
    assert done.code == 0, done.err
    with monkeypatch.context() as patched:
        assert content(opened(remote, patched)) == before


def test_a_home_without_models_fetches_them_from_the_server(remote, monkeypatch):
    workspace = opened(remote, monkeypatch)
    kept = {path.name for path in (workspace.home.models / "tiny_inline").iterdir()}
    shutil.rmtree(workspace.home.models)

    done = ctr(remote, "score", "--date", str(LAST))

    assert done.code == 0, done.err
    assert kept and {path.name for path in (workspace.home.models / "tiny_inline").iterdir()} <= kept


def test_maintenance_runs_on_it(remote, monkeypatch):
    with monkeypatch.context() as patched:
        before = content(opened(remote, patched))
    done = ctr(remote, "maintain")
    assert done.code == 0, done.err
    with monkeypatch.context() as patched:
        assert content(opened(remote, patched)) == before


@pytest.mark.parametrize(
    "broken",
    [
        {"CTR_SET_STORE__CATALOG_URI": "postgresql+psycopg2://ctr:Very-Secret@127.0.0.1:1/ctr"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"CTR_SET_STORE__WAREHOUSE": "s3://no-such-bucket/tables", "CTR_SET_STORE__CATALOG_URI": '""'},
    ],
    ids=["catalog", "storage", "bucket"],
)
def test_a_server_that_is_not_there_is_told_as_an_error_of_the_store(served, broken, secrets, tmp_path):
    done = ctr({**served, "CTR_HOME": str(tmp_path), **broken}, "night", "--date", str(LAST))

    assert done.code in (3, 5), done.err
    assert "defect" not in done.err
    assert "Very-Secret" not in done.err and not [secret for secret in secrets if secret in done.err]


def _adds(catalog: str, home: str, storage: dict[str, str], start: float, number: int) -> None:
    """One machine of several: a home of its own, the catalog of all."""
    os.environ.update(storage)
    from conf.dataset import load_dataset
    from conf.settings import Settings
    from jobs.trainings import keep_training

    settings = Settings.model_validate({"store": {"catalog_uri": catalog, "warehouse": "s3://ctr/race"}})
    workspace = Workspace(Home(Path(home)), settings, load_dataset("simulated"), Path(home))
    row = dict.fromkeys(workspace.store.specs["trainings"].columns)
    row |= {"dt": START, "version": str(number), "model": "mix", "promoted": False, "withdrawn": False}
    time.sleep(max(0.0, start - time.time()))
    keep_training(workspace, row)


def test_machines_with_homes_of_their_own_lose_no_training(postgres, storage, tmp_path, monkeypatch):
    for name, value in storage.items():
        monkeypatch.setenv(name, value)
    catalog, start = postgres.database("race"), time.time() + 12
    context = multiprocessing.get_context("spawn")
    arguments = [(catalog, str(tmp_path / str(number)), storage, start, number) for number in range(4)]
    machines = [context.Process(target=_adds, args=given) for given in arguments]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(120)

    assert [machine.exitcode for machine in machines] == [0] * 4
    variables = {"CTR_HOME": str(tmp_path / "0"), "CTR_SET_STORE__CATALOG_URI": catalog}
    workspace = opened({**variables, "CTR_SET_STORE__WAREHOUSE": "s3://ctr/race"}, monkeypatch)
    assert sorted(row["version"] for row in workspace.store.rows("trainings")) == ["0", "1", "2", "3"]


def test_a_lock_of_a_process_that_was_killed_is_free_again(postgres, tmp_path):
    catalog = postgres.database("killed")
    script = (
        "import sys, time\nfrom pyiceberg.catalog.sql import SqlCatalog\nfrom jobs.store.catalog import locked\n"
        f"with locked(SqlCatalog('ctr', uri={catalog!r}, warehouse='file:///tmp'), 'registry x'):\n"
        "    print('held', flush=True); time.sleep(120)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=PROJECT_FOLDER)
    assert holder.stdout and holder.stdout.readline() == "held\n"
    waiter = subprocess.Popen(
        [sys.executable, "-c", script.replace("time.sleep(120)", "pass")], stdout=subprocess.PIPE, cwd=PROJECT_FOLDER
    )
    time.sleep(4)
    assert waiter.poll() is None, "the lock was given to two"
    holder.kill()

    assert waiter.wait(30) == 0
    holder.wait()


def test_a_night_goes_through_an_airflow_on_postgresql(remote, postgres, secrets):
    airflow = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": postgres.database("airflow")}
    done = ctr(remote | airflow, "airflow-night", "--date", str(LAST))

    assert done.code == 0, done.out[-3000:] + done.err[-3000:]
    assert not (Path(remote["CTR_HOME"]) / "airflow" / "airflow.db").exists()
    assert not [secret for secret in secrets if secret in done.out + done.err]
    for file in (Path(remote["CTR_HOME"]) / "airflow").rglob("*"):
        if file.is_file():
            text = file.read_bytes().decode("latin-1")
            assert not [secret for secret in secrets if secret in text], file
