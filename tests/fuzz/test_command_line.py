"""The command line as a process on bad input: an exit code that means something, words, and never a traceback."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_tally import LONG, NAMED, count

REPOSITORY = Path(__file__).parents[2]
CLICK_LOG = REPOSITORY / "tests" / "data" / "click_log.yaml"
DAY = "2026-01-10"
HEADER = b"impression_id,user,ad,shown_at,slot,bid\n"
SETTINGS, LANDING = 2, 3


def ctr(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "jobs.cli", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "CTR_HOME": str(folder / "home")},
        capture_output=True,
        timeout=300,
    )


def night(
    folder: Path, content: bytes, name: str = "impressions.csv", *more: str
) -> subprocess.CompletedProcess[bytes]:
    path = folder / "data" / DAY / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    place = ["--dataset", str(CLICK_LOG), "--data", str(folder / "data")]
    return ctr(folder, "night", "--date", DAY, *place, *more)


def draft(folder: Path, content: bytes) -> subprocess.CompletedProcess[bytes]:
    data = folder / "data"
    data.mkdir()
    (data / "log.csv").write_bytes(content)
    return ctr(folder, "dataset", "init", "--data", str(data), "--output", str(folder / "mine.yaml"))


def overlay(folder: Path, content: bytes) -> subprocess.CompletedProcess[bytes]:
    (folder / "mine.yaml").write_bytes(content)
    return ctr(folder, "settings", "--env", str(folder / "mine.yaml"))


def description(folder: Path, content: bytes) -> subprocess.CompletedProcess[bytes]:
    (folder / "mine.yaml").write_bytes(content)
    return ctr(folder, "plan", "--start", DAY, "--end", DAY, "--dataset", str(folder / "mine.yaml"))


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name, name, b", ".join([b"*%c" % (name - 1)] * 9)) for name in b"cdefgh"
)
CASES = [
    (night, gzip.compress(HEADER * 500)[:60], LANDING, "impressions.csv"),
    (overlay, b"training: {seed: 1, seed: 2}", SETTINGS, "`seed` stands twice"),
    (draft, b"time,x\n" * 3, SETTINGS, "No file with a column of times"),
    (overlay, BOMB, SETTINGS, "more than 20,000 values"),
    (overlay, b"training: " + b"[" * 9_000, SETTINGS, "nested more than"),
    (overlay, b"training: !!python/object/apply:os.system [id]", SETTINGS, "could not determine a constructor"),
    (overlay, b"airflow: {start_date: 2026-02-30}", SETTINGS, "2026-02-30"),
    (overlay, b"promotion: {min_calibration_ratio: .nan}", SETTINGS, "finite number"),
    (overlay, b"\xff\xfe\x00", SETTINGS, "mine.yaml"),
    (description, CLICK_LOG.read_bytes().replace(b"6h", b"9" * 30 + b"d"), SETTINGS, "window"),
    (description, CLICK_LOG.read_bytes().replace(b"[impression_id]", b"['`']"), SETTINGS, "backtick"),
    (description, CLICK_LOG.read_bytes().replace(b"late_days: 2", b"late_days: 1.0e+300"), SETTINGS, "late_days"),
    (night, b"", LANDING, "is empty"),
    (night, HEADER.replace(b",bid", b"") + b"i,u,a,2026-01-10,top\n", LANDING, "no column `bid`"),
    (night, b"\x00" * 1_000, LANDING, "impressions.csv"),
    (draft, b"\x1f\x8b\x08garbage", SETTINGS, "No file"),
    (draft, b"\n", SETTINGS, "No file"),
]
SHORT = 3


@pytest.mark.parametrize("number", range(len(CASES) if LONG else SHORT))
def test_bad_input_ends_a_command_with_words_and_a_code(tmp_path, number):
    run, content, code, said = CASES[number]
    ended = run(tmp_path, content)
    told = ended.stderr.decode(errors="replace")
    assert ended.returncode == code, told
    assert said in told and told.startswith("error: ")
    assert "Traceback" not in told and "defect" not in told
    assert not (tmp_path / "home" / "errors").exists()
    count("command", NAMED)
