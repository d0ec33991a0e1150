"""Params, event extras and names of people: nothing that is given becomes an expression, a path or a command."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
MARK = "touched-by-a-param"
SHELL = f"; touch {MARK}"
NIGHTLY_CONFS = [
    {"date": f"2026-01-01{SHELL}"},
    {"date": "2026-01-01; rm -rf"},
    {"date": f"$(touch {MARK})"},
    {"date": f"`touch {MARK}`"},
    {"date": "{{ 7 * 7 }}"},
    {"date": "{{ conn.smtp_default.password }}"},
    {"date": "2026-01-01\n--force"},
    {"date": "--help"},
    {"date": "../../etc/passwd"},
    {"date": "2026-01-01\u0000"},
    {"date": "\u0662\u0660\u0662\u0666-01-01"},
    {"date": ["2026-01-01"]},
    {"date": {"__import__": "os"}},
    {"date": True},
    {"date": "2026-01-01' or '1'='1"},
    {"date": "1" * 100_000},
]
TRAINING_CONFS = [
    {"models": [f"xgboost{SHELL}"]},
    {"models": ["xgboost", "--force"]},
    {"models": "xgboost"},
    {"models": ["{{ 7 * 7 }}"]},
    {"window_days": f"7{SHELL}"},
    {"window_days": "{{ 7 * 7 }}"},
    {"window_days": 10**30},
    {"promote": "yes; rm"},
    {"approval": f"promote when the gate agrees{SHELL}"},
    {"approval": "gate"},
]


@pytest.fixture(scope="module")
def rest(airflow_database):
    """Airflow's REST interface over the project's DAGs, and headers of somebody who may trigger them."""
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session
    from fastapi.testclient import TestClient

    folder = PROJECT_FOLDER / "dags"
    with create_session() as session:
        session.merge(DagBundleModel(name="dags-folder"))
    sync_bag_to_db(BundleDagBag(str(folder), bundle_path=folder, bundle_name="dags-folder"), "dags-folder", None)
    app = create_app(apps="core")
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="admin", role="admin"))
    return TestClient(app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"})


def triggered(rest, dag_id: str, **body):
    return rest.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": {}, **body})


@pytest.mark.long
@pytest.mark.parametrize("conf", NIGHTLY_CONFS, ids=lambda conf: str(conf)[:40])
@pytest.mark.parametrize("dag_id", ["ctr_nightly", "ctr_train"])
def test_a_date_that_is_none_is_refused_by_the_rest_interface(rest, dag_id, conf):
    answer = triggered(rest, dag_id, conf=conf)

    assert answer.status_code in (400, 422), answer.text[:300]
    assert rest.get(f"/api/v2/dags/{dag_id}/dagRuns").json()["total_entries"] == 0
    assert not list(Path.cwd().rglob(MARK))


@pytest.mark.long
@pytest.mark.parametrize("conf", TRAINING_CONFS, ids=lambda conf: str(conf)[:40])
def test_a_trainings_form_takes_nothing_that_it_does_not_offer(rest, conf):
    assert triggered(rest, "ctr_train", conf=conf).status_code in (400, 422)


@pytest.mark.long
@pytest.mark.parametrize("run_id", ["../../etc", f"x{SHELL}", "<script>alert(1)</script>", "a\nb", "{{ 7 * 7 }}"])
def test_a_name_of_a_run_that_could_be_a_path_or_markup_is_refused(rest, run_id):
    assert triggered(rest, "ctr_nightly", dag_run_id=run_id).status_code in (400, 422)


@pytest.mark.long
def test_nobody_triggers_without_a_login(rest):
    from fastapi.testclient import TestClient

    stranger = TestClient(rest.app, raise_server_exceptions=False)
    assert triggered(stranger, "ctr_nightly").status_code == 401
    assert stranger.get("/api/v2/connections").status_code == 401
    assert stranger.get("/api/v2/config").status_code == 401


@pytest.fixture
def step(tmp_path, monkeypatch, airflow_database):
    """Runs a step's operator whose command line tells what it was given."""
    import ctr_tasks

    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "__init__.py").write_text("")
    (tmp_path / "jobs" / "cli.py").write_text("import json, sys\nprint(json.dumps({'got': sys.argv[1:]}))")
    monkeypatch.setattr(ctr_tasks, "PROJECT_FOLDER", tmp_path)

    def run(arguments: list[str]) -> list[str]:
        from airflow.sdk.definitions._internal.mixins import ResolveMixin

        class Answer(ResolveMixin):
            """What another task answered."""

            def iter_references(self):
                return iter(())

            def resolve(self, context):
                return arguments

        operator = ctr_tasks.StepOperator(task_id="step", step="train", arguments=Answer())
        operator.render_template_fields({"ti": None})
        return type(operator).execute.__wrapped__(operator, {})["got"]

    return run


HOSTILE = [
    f"$(touch {MARK})",
    f"`touch {MARK}`",
    f"x{SHELL}",
    "{{ 7 * 7 }}",
    "--force",
    "a\nb",
    "../../x",
    "%s",
    "'",
    '"',
]


def test_what_a_step_is_given_passes_no_shell_and_no_template(step):
    arguments = [part for text in HOSTILE for part in ("--reason", text)]

    assert step(arguments) == ["train", *arguments, "--json"]
    assert not list(Path.cwd().rglob(MARK))


@pytest.mark.parametrize(
    "extra", [{"day": f"2026-01-01{SHELL}"}, {"day": "{{ ds }}"}, {"day": ["2026-01-01"]}, {"day": "20260101; x"}]
)
def test_a_drift_event_whose_day_is_none_starts_no_training(airflow_database, extra):
    import ctr_train

    from ctr_tasks import CTR_DRIFT

    with pytest.raises((ValueError, TypeError)):
        ctr_train.check_training_form.function(**training_context({CTR_DRIFT: [SimpleNamespace(extra=extra)]}))


def training_context(events, **params):
    defaults = {"date": None, "window_days": None, "models": [], "promote": True}
    defaults |= {"approval": "promote when the gate agrees"}
    run = SimpleNamespace(
        conf={}, run_type="asset_triggered", data_interval_end=None, logical_date=None, run_after=None
    )
    return {
        "dag_run": run,
        "dag": SimpleNamespace(params=defaults),
        "params": defaults | params,
        "triggering_asset_events": events,
    }


@pytest.mark.parametrize("cause", HOSTILE)
def test_the_cause_of_an_event_is_one_argument_and_stays_one(airflow_database, cause):
    import ctr_train

    from ctr_tasks import CTR_DRIFT

    events = {CTR_DRIFT: [SimpleNamespace(extra={"day": "2026-01-05", "cause": cause})]}
    arguments = ctr_train.check_training_form.function(**training_context(events))

    assert arguments[:4] == ["--date", "2026-01-05", "--reason", f"drift on 2026-01-05: {cause}"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_persons_name_is_the_value_of_an_option_and_no_option(monkeypatch, tmp_path, name):
    """`ctr promote` parses what Airflow passes: a user called `--force` does not force anything."""
    from ctr_approval import promotion_arguments
    from jobs.cli import main

    seen = {}

    def promote(workspace, version, reason, *, by, as_of=None, force=False):
        seen.update(version=version, by=by, force=force)
        raise SystemExit(0)

    for variable in ("CTR_ENV", "CTR_DATASET", "CTR_DATA"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("CTR_HOME", str(tmp_path))
    monkeypatch.setattr("jobs.manual_change.promote", promote)
    answer = {"responded_by_user": {"id": "1", "name": name}}
    arguments = promotion_arguments.function({"version": "7", "day": "2026-01-10"}, answer)
    monkeypatch.setattr(sys, "argv", ["ctr", "promote", *arguments, "--json"])
    with pytest.raises(SystemExit):
        main()

    assert seen == {"version": "7", "by": name, "force": False}


@pytest.mark.parametrize("version", ["../../etc", "1; rm -rf", "$(x)", "1\n2", "-1", "{{ 7 * 7 }}"])
def test_a_version_is_looked_up_and_never_made_a_path(tiny, version):
    from conf.errors import SettingsError
    from jobs.champion import bundle_folder
    from jobs.manual_change import promote

    with pytest.raises(SettingsError, match="There is no version"):
        promote(tiny, version, "why", by="jane", as_of=date(2026, 1, 10))
    with pytest.raises((SettingsError, Exception)):
        bundle_folder(tiny, version)
    assert not (tiny.home.path / "models").exists() or not list((tiny.home.path / "models").rglob("*"))


@pytest.mark.parametrize(
    "pattern", ["../{date}/x.csv", "/etc/passwd", "~/x", "a/../../x", "{date}/../../x", "{0.__class__}", "{date!r}"]
)
def test_a_pattern_of_landing_files_leads_nowhere_else(tmp_path, pattern):
    import yaml

    from conf.dataset import load_dataset
    from conf.errors import SettingsError

    content = yaml.safe_load((PROJECT_FOLDER / "tests" / "data" / "click_log.yaml").read_text())
    content["impressions"]["files"] = pattern
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(SettingsError):
        load_dataset(str(tmp_path / "x.yaml"))


@pytest.mark.parametrize("name", ["../x", "x/../../y", "x; rm", "X", "a\nb", "${HOME}", ""])
def test_a_data_sets_name_is_no_path(tmp_path, name):
    import yaml

    from conf.dataset import load_dataset
    from conf.errors import SettingsError

    content = yaml.safe_load((PROJECT_FOLDER / "tests" / "data" / "click_log.yaml").read_text())
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(content | {"name": name}))
    with pytest.raises(SettingsError):
        load_dataset(str(tmp_path / "x.yaml"))


COLUMNS = ["x` string, y", "a`b", "a.b", "a b; drop", "*", "1) or (1", "'", '"']


@pytest.mark.parametrize("column", COLUMNS)
def test_a_columns_name_is_a_name_and_no_expression(engine, tiny, column):
    import pandas as pd

    from features.parse import text
    from jobs.landing.landed import no_rows

    rows = engine.createDataFrame(pd.DataFrame({column: ["  here  "], "other": ["x"]}))

    assert rows.select(text(column).alias("found")).collect()[0]["found"] == "here"
    assert no_rows(tiny, [column]).columns == [column, "_file", "_row", "_text", "_reject"]


def test_no_query_is_built_from_text():
    """Of the engine's ways to read text as SQL, the code uses none with anything but a constant."""
    import ast

    found = []
    for folder in ("features", "jobs", "models", "monitoring", "validation"):
        for file in sorted((PROJECT_FOLDER / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                    continue
                built = not isinstance(node.args[0], ast.Constant)
                if node.func.attr in ("sql", "expr", "selectExpr") and built:
                    found.append(f"{file}:{node.lineno}")
                parts = (part for part in ast.walk(node.args[0]) if isinstance(part, ast.FormattedValue))
                put_in = {ast.unparse(part.value) for part in parts} - {"marks", "table", "column"}
                if (
                    node.func.attr in ("where", "filter", "execute") and put_in
                ):  # marks are `?`, names those of the code
                    found.append(f"{file}:{node.lineno}: {put_in}")
    assert found == []


def test_the_trigger_and_the_steps_left_no_mark():
    assert not list(Path(os.environ["AIRFLOW_HOME"]).rglob(MARK))
