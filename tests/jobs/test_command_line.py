"""The command line: what a scheduler sees is an exit code and a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from landing_files import FIRST, impression, land

from jobs.cli import main

ROOT = Path(__file__).parents[2]
DESCRIPTION = ROOT / "tests" / "data" / "click_log.yaml"


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def ctr(tmp_path, monkeypatch, capsys):
    """Runs the command line in this process, on a home of its own."""
    # Set first, so that what a command writes into the environment is taken back afterwards.
    for name in ("CTR_ENV", "CTR_DATASET", "CTR_DATA"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CTR_HOME", str(tmp_path / "home"))

    def run(*arguments: str, **variables: str) -> Done:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["ctr", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Done(int(ended.value.code or 0), told.out, told.err)

    return run


@pytest.fixture
def data(tmp_path):
    """A landing folder with one night of one impression."""
    folder = tmp_path / "landing"
    land(folder, FIRST, impressions=[impression("i1", FIRST)], clicks=[("i1", f"{FIRST} 13:00:00")])
    return folder


def tiny(data, day=FIRST):
    return ("--dataset", str(DESCRIPTION), "--data", str(data), "--date", str(day))


def test_an_unknown_data_set_ends_with_two(ctr):
    done = ctr("ingest", "--date", str(FIRST), "--dataset", "simulatde")
    assert done.returncode == 2
    assert "Unknown data set `simulatde`. Did you mean `simulated`?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_night_without_files_ends_with_three(ctr, data):
    done = ctr("ingest", *tiny(data, "2026-03-01"))
    assert done.returncode == 3
    assert f"{FIRST} to {FIRST}" in done.stderr


def test_a_blocked_feed_ends_with_four(ctr, data):
    done = ctr("ingest", *tiny(data), CTR_SET_FEED__MAX_CTR="0.5")
    assert done.returncode == 4
    assert "feed.max_ctr" in done.stderr


def test_an_unreadable_catalog_ends_with_five(data, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "catalog.db").write_bytes(b"no database" * 100)
    command = [sys.executable, "-m", "jobs.cli", "ingest", *tiny(data), "--home", str(home)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "catalog.db cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr


def test_predictions_that_are_not_there_yet_end_with_six(ctr, data):
    assert ctr("predictions", *tiny(data)).returncode == 6


def test_a_step_prints_what_it_did_as_one_line_of_json(ctr, data):
    done = ctr("ingest", *tiny(data), "--json", CTR_SET_FEED__MAX_CTR="1.0")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["step"], told["rows"]["impressions"], told["rows"]["clicks"]) == ("ingest", 1, 1)


def test_a_replay_leaves_a_day_without_files_behind_and_ends_with_three(ctr, data):
    later = FIRST + timedelta(days=2)
    land(data, later, impressions=[impression("i2", later)], clicks=[("i2", f"{later} 13:00:00")])
    asked = ("--dataset", str(DESCRIPTION), "--data", str(data), "--start", str(FIRST), "--end", str(later))
    done = ctr("replay", *asked, "--json", CTR_SET_FEED__MAX_CTR="1.0")
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout[done.stdout.index("{") :])
    assert told["run"] == [str(FIRST), str(later)]
    assert told["empty"] == [str(FIRST + timedelta(days=1))]
