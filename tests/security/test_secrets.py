"""Secrets: marked ones are put wherever a secret may be given, and looked for wherever anything is written."""

from __future__ import annotations

import io
import json
import logging
import sys
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from landing_files import FIRST, OPEN_GATE, impression, land
from registered_versions import registered
from task_log import TaskLog

from conf.errors import SettingsError, StoreError
from conf.secret_values import known_secrets, shown_settings, without_secrets
from conf.settings import load_settings
from jobs.cli import main
from jobs.workspace import Workspace

MARK = "MARKED-Secret"
DESCRIPTION = Path(__file__).parents[1] / "data" / "click_log.yaml"
SECRETS = {
    "CTR_SET_STORE__PROPERTIES": json.dumps(
        {"s3.secret-access-key": f"{MARK}-1", "s3.session-token": f"{MARK}-2", "s3.access-key-id": f"{MARK}-3"}
    ),
    "CTR_SET_AIRFLOW__NOTIFY__WEBHOOK": f"https://hooks.example.com/services/{MARK}-4",
    "CTR_SET_ENGINE__OPTIONS": json.dumps({"spark.hadoop.fs.s3a.secret.key": f"{MARK}-5"}),
    "AWS_SECRET_ACCESS_KEY": f"{MARK}-6",
    "MLFLOW_TRACKING_PASSWORD": f"{MARK}-7",
    "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps({"conn_type": "smtp", "password": f"{MARK}-8"}),
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql://airflow:{MARK}-9@127.0.0.1:1/airflow",
}
CATALOG = f"postgresql+psycopg2://ctr:{MARK}-10%40x@127.0.0.1:1/ctr?sslpassword={MARK}-11"
TRACKING = f"http://ctr:{MARK}-12@127.0.0.1:1"


@pytest.fixture
def ctr(tmp_path, monkeypatch, capfd):
    """Runs the command line in this process with secrets all around it; gives everything that it said."""
    land(tmp_path / "landing", FIRST, impressions=[impression("i1", FIRST)], clicks=[("i1", f"{FIRST} 13:00:00")])
    for name in ("CTR_ENV", "CTR_DATASET", "CTR_DATA"):
        monkeypatch.setenv(name, "")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CTR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CTR_SET_FEED", json.dumps(OPEN_GATE))

    def run(*arguments: str, ends_with: int = 0, **variables: str) -> str:
        with monkeypatch.context() as more:
            for name, value in variables.items():
                more.setenv(name, value)
            more.setattr(sys, "argv", ["ctr", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        told = capfd.readouterr()
        assert int(ended.value.code or 0) == ends_with, told.err
        return told.out + told.err

    return run


def tiny(tmp_path: Path) -> tuple[str, ...]:
    return ("--dataset", str(DESCRIPTION), "--data", str(tmp_path / "landing"))


def written(folder: Path) -> str:
    """Everything in the files of a folder, the values of compressed tables too."""
    parts = []
    for file in (path for path in folder.rglob("*") if path.is_file()):
        parts.append(file.read_bytes().decode("latin-1"))
        if file.suffix == ".parquet":
            parts.append(str(pq.read_table(file).to_pylist()))
    return "\n".join(parts)


@pytest.mark.long
def test_a_night_and_the_settings_tell_no_secret_and_keep_none(ctr, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        told = ctr("night", "--date", str(FIRST), *tiny(tmp_path))
        told += ctr("settings") + ctr("settings", "--json") + ctr("status") + ctr("tables")

    assert "s3.secret-access-key: '***'" in told and "https://hooks.example.com/***" in told
    assert MARK not in told
    assert MARK not in caplog.text
    assert MARK not in written(tmp_path / "home")


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "code", "variables"),
    [
        (("status",), 5, {"CTR_SET_STORE__CATALOG_URI": CATALOG}),
        (("status",), 5, {"CTR_SET_STORE__CATALOG_URI": f"nonsense://ctr:{MARK}-10@h/x"}),
        (("settings",), 2, {"CTR_SET_STORE__PROPERTIES": f"{{s3.secret-access-key: {{x: {MARK}-1}}}}"}),
        (("settings",), 2, {"CTR_SET_STORE__PROPERTIES": f"s3.secret-access-key={MARK}-1"}),
        (("settings",), 2, {"CTR_SET_STORE__SECRET_KEY": f"{MARK}-1"}),
        (("settings",), 2, {"CTR_SET_TRACKING__URI": f"[{TRACKING}]"}),
        (("night", "--date", str(date(2020, 1, 1))), 3, {}),
    ],
)
def test_a_command_that_fails_tells_no_secret(ctr, tmp_path, arguments, code, variables):
    told = ctr(*arguments, *tiny(tmp_path), ends_with=code, **variables)

    assert "error" in told
    assert MARK not in told
    assert not (tmp_path / "home").exists() or MARK not in written(tmp_path / "home")


def test_a_defect_leaves_no_secret_in_its_details(ctr, tmp_path, monkeypatch):
    def broken(workspace: Workspace) -> None:
        raise RuntimeError(f"could not connect to {CATALOG} with {MARK}-6 and {MARK}-1")

    monkeypatch.setattr("jobs.status.status", broken)
    told = ctr("status", *tiny(tmp_path), ends_with=70)

    [details] = (tmp_path / "home" / "errors").iterdir()
    assert "could not connect to postgresql+psycopg2://ctr:***@127.0.0.1:1/ctr" in details.read_text()
    assert MARK not in told + details.read_text()


def test_mlflow_out_of_reach_is_told_without_its_password(make_workspace):
    from jobs.tracking import fetch_bundle, reached

    workspace = make_workspace("click_log", tracking={"uri": TRACKING})
    with pytest.raises(StoreError) as refused, reached(workspace, "Try again.") as client:
        client.get_experiment_by_name("x")
    assert "127.0.0.1:1" in str(refused.value) and MARK not in str(refused.value)
    with pytest.raises(StoreError) as refused:
        fetch_bundle(workspace, "1", workspace.home.models / "1")
    assert MARK not in str(refused.value)


@pytest.mark.long
def test_runs_and_versions_in_mlflow_hold_no_secret(make_workspace, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    properties = {"s3.secret-access-key": f"{MARK}-1"}
    workspace = make_workspace("click_log", store={"properties": properties})

    registered(workspace, FIRST)

    assert MARK not in written(workspace.home.path)


def test_a_step_that_tells_a_secret_does_not_bring_it_into_the_task_log(airflow_database, monkeypatch):
    from ctr_tasks import StepOperator

    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    log, kept = TaskLog(), []
    monkeypatch.setattr(StepOperator, "log", log)
    StepOperator(task_id="a", step="a")._log_lines(io.StringIO(f"key {MARK}-6 at {CATALOG}\n"), kept)

    assert MARK not in "".join([*log.lines, *kept])
    assert "key *** at postgresql+psycopg2://ctr:***@" in log.lines[0]


def test_no_address_with_a_password_stands_on_a_command_line(make_workspace):
    from jobs.services.stack import mlflow_service, mlflow_variables

    workspace = make_workspace("click_log", tracking={"uri": f"postgresql://ctr:{MARK}@127.0.0.1/mlflow"})

    assert MARK not in " ".join(mlflow_service(workspace, 5000).command)
    assert MARK in mlflow_variables(workspace, {})["MLFLOW_BACKEND_STORE_URI"]


def test_the_address_of_airflows_database_is_kept_as_a_digest(tmp_path, monkeypatch):
    import subprocess

    from jobs.services.airflow_home import AirflowHome
    from jobs.services.errors import ServiceError

    folder = AirflowHome(tmp_path)
    variables = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": SECRETS["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]}
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, "", ""))
    assert folder.migrate(variables) and not folder.migrate(variables)
    assert MARK not in folder.migrated.read_text()

    told = f"connection to {variables['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN']} failed"
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 1, told, ""))
    folder.migrated.unlink()
    with pytest.raises(ServiceError) as refused:
        folder.migrate(variables)
    assert MARK not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@ss/w:x@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("sc://h:15002/;token=abc;user_id=me", "sc://h:15002/;token=***;user_id=me"),
        ("https://b.s3.example.com/k?X-Amz-Signature=abc&x=1", "https://b.s3.example.com/k?X-Amz-Signature=***&x=1"),
        ("http://h:5000/a/b?x=1", "http://h:5000/a/b?x=1"),
        ("{'s3.secret-access-key': 'abc', 'x': 1}", "{'s3.secret-access-key': '***', 'x': 1}"),
        ("password in /a/passwords.json", "password in /a/passwords.json"),
        ("nothing secret: here@home", "nothing secret: here@home"),
    ],
)
def test_passwords_in_addresses_are_hidden_and_the_rest_stays(text, shown):
    assert without_secrets(text) == shown


def test_settings_are_shown_whole_but_for_secrets():
    plain = load_settings(variables={}).model_dump(mode="json")
    assert shown_settings(plain) == plain
    template = {"webhook": "https://h.example.com/{{ conn.ctr_webhook.password }}"}
    assert shown_settings(template) == template


def test_a_secret_is_found_in_both_spellings_and_short_words_are_none():
    found = known_secrets({"X_URI": "postgresql://u:p%40ssword@h/db", "TOKEN": "ab", "HOME": "/root"})
    assert {"p%40ssword", "p@ssword"} <= found and "ab" not in found and "/root" not in found


def test_yaml_runs_nothing(tmp_path):
    from conf.dataset import load_dataset

    mark = tmp_path / "ran"
    file = tmp_path / "evil.yaml"
    for evil in (
        f"dataset: !!python/object/apply:os.system ['touch {mark}']",
        f"!!python/object/new:os.system ['touch {mark}']",
        "dataset: !!python/name:os.system",
        f"engine: !!python/object/apply:subprocess.check_output [[touch, '{mark}']]",
    ):
        file.write_text(evil)
        with pytest.raises(SettingsError):
            load_settings(str(file))
        with pytest.raises(SettingsError):
            load_dataset(str(file))
        with pytest.raises(SettingsError):
            load_settings(variables={"CTR_SET_DATASET": evil.removeprefix("dataset: ")})
    assert not mark.exists()


def test_a_secret_option_of_spark_does_not_stand_on_the_jvms_command_line(monkeypatch):
    from jobs.store import spark_server

    seen = {}

    def gateway(conf, streams):
        seen.update(dict(conf.getAll()))
        raise OSError("no JVM today")

    monkeypatch.setattr("pyspark.java_gateway.launch_gateway", gateway)
    monkeypatch.setattr(spark_server, "require_java", lambda: None)
    with pytest.raises(SettingsError):
        spark_server.start_spark("local[1]", {"spark.hadoop.fs.s3a.secret.key": MARK, "spark.driver.memory": "1g"})

    assert seen["spark.driver.memory"] == "1g" and MARK not in str(seen)
