"""What goes with a home and what does not; the commands that move one."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import typer
import yaml
from landing_files import FIRST
from pyiceberg.expressions import EqualTo
from typer.testing import CliRunner

from conf.errors import NotReady, SettingsError
from conf.settings import Settings
from jobs.cli import moving
from jobs.moving import export as exporting
from jobs.moving.overlay import portable
from jobs.workspace import open_workspace

SECRET = "hunter2"
CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"


def fill(workspace):
    row = dict.fromkeys(workspace.store.specs["runs"].columns) | {"dt": FIRST, "step": "ingest", "rows": 1}
    workspace.store.replace_rows("runs", EqualTo("dt", FIRST), [row])


def test_no_secret_goes_with_the_settings(make_workspace, tmp_path):
    settings = {
        "engine": {"options": {"spark.hadoop.fs.s3a.secret.key": SECRET, "spark.driver.memory": "2g"}},
        "store": {"properties": {"s3.secret-access-key": SECRET}, "keep_snapshots": 9},
        "airflow": {"notify": {"webhook": f"https://example.com/{SECRET}", "email": ["a@example.com"]}},
        "training": {"window_days": 14},
    }
    workspace = make_workspace("click_log", **settings)
    fill(workspace)
    told = exporting.export_home(workspace, tmp_path / "home.tar")
    assert SECRET.encode() not in (tmp_path / "home.tar").read_bytes()
    with tarfile.open(tmp_path / "home.tar") as tar:
        kept = yaml.safe_load(tar.extractfile("settings.yaml").read())
    assert Settings.model_validate(kept).training.window_days == 14
    assert kept["engine"]["options"] == {"spark.driver.memory": "2g"} and kept["store"] == {"keep_snapshots": 9}
    assert {"store.properties", "airflow.notify.webhook"} <= set(told["settings_left_out"])


def test_an_address_with_a_password_in_it_stays_behind():
    settings = Settings.model_validate({"engine": {"options": {"spark.url": f"jdbc://me:{SECRET}@db/x"}}})
    kept, left_out = portable(settings)
    assert SECRET not in str(kept) and left_out == ["engine.options.spark.url"]


def test_a_home_that_is_written_to_meanwhile_is_not_exported(tiny, tmp_path, monkeypatch):
    fill(tiny)
    settle = exporting._add_sources

    def write_meanwhile(*given):
        fill(tiny)
        return settle(*given)

    monkeypatch.setattr(exporting, "_add_sources", write_meanwhile)
    with pytest.raises(NotReady, match=r"runs was written while the home was being exported"):
        exporting.export_home(tiny, tmp_path / "home.tar")
    assert not list(tmp_path.glob("*.tar*")) and not list(tmp_path.glob(".*.tar*"))


def test_a_home_without_tables_cannot_be_exported(tiny, tmp_path):
    with pytest.raises(SettingsError, match="holds no tables"):
        exporting.export_home(tiny, tmp_path / "home.tar")


def test_the_commands_move_a_home_with_its_landing_files_and_description(make_workspace, tmp_path, monkeypatch):
    set_for_children = ("CTR_HOME", "CTR_DATA", "CTR_DATASET")
    for name in set_for_children:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    workspace = make_workspace("click_log")
    fill(workspace)
    inside = workspace.home.landing / "tiny"
    inside.mkdir(parents=True)
    (inside / "rows.csv").write_text("a\n")
    app = typer.Typer()
    moving.register(app)
    run, home = CliRunner(), ["--home", str(workspace.home.path)]
    given = ["--dataset", str(CLICK_LOG), "--data", str(inside)]
    done = run.invoke(app, ["export", str(tmp_path / "home.tar"), "--landing", *home, *given])
    assert done.exit_code == 0, done.output
    for name in set_for_children:
        monkeypatch.delenv(name, raising=False)
    new = tmp_path / "new"
    done = run.invoke(app, ["import", str(tmp_path / "home.tar"), "--home", str(new)])
    assert done.exit_code == 0, done.output
    moved = open_workspace(new)
    assert (moved.dataset.name, moved.data) == ("tiny", new / "landing" / "tiny")
    assert [row["rows"] for row in moved.store.rows("runs")] == [1]
    assert (moved.data / "rows.csv").read_text() == "a\n"
