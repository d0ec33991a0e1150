from __future__ import annotations

import json

import public_formats
import pytest
import typer
from typer.testing import CliRunner

from jobs.cli import dataset


@pytest.fixture
def run():
    app = typer.Typer()
    dataset.register(app)
    return lambda *arguments: CliRunner().invoke(app, ["dataset", *map(str, arguments)])


def test_a_draft_is_checked_with_the_command_that_init_names(run, tmp_path, engine):
    public_formats.avazu(tmp_path / "log", days=1, rows_a_day=300)
    file = tmp_path / "mine.yaml"

    made = run("init", "--data", tmp_path / "log", "--output", file)
    checked = run("check", file, "--data", tmp_path / "log", "--json")

    assert f"ctr dataset check {file} --data {tmp_path / 'log'}" in made.output
    assert checked.exit_code == 0
    assert json.loads(checked.output.splitlines()[-1])["usable"] is True


def test_a_description_that_cannot_be_used_ends_with_2(run, tmp_path, engine):
    assert run("check", "avazu", "--data", tmp_path).exit_code == 2


def test_init_does_not_write_over_a_file(run, tmp_path):
    (tmp_path / "mine.yaml").write_text("name: mine\n")

    result = run("init", "--data", tmp_path, "--output", tmp_path / "mine.yaml")

    assert result.exit_code != 0
    assert (tmp_path / "mine.yaml").read_text() == "name: mine\n"
