"""A file that holds all days is read once, then where it grew; a night goes by the rows of its own day."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from landing_files import FIRST, land_inline
from table_content import content, differences

from jobs.ingest import ingest
from jobs.landing import whole_logs
from jobs.landing.text_stream import START
from jobs.landing.waiting import waiting
from jobs.night import run_step
from jobs.plan import View, step_plan

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
ROWS = [
    ("u1", "a1", "2026-01-10T01:00:00+08:00", "1", "1"),
    ("u1", "a2", "2026-01-10T23:00:00+08:00", "1", "0"),
    ("u2", "a1", "2026-01-11T02:00:00+08:00", "2", "1"),
    ("u2", "a2", "2026-01-12T02:00:00+08:00", "2", "0"),
]
LATE = ("u3", "a1", "2026-01-10T12:00:00+08:00", "2", "0")


@pytest.fixture
def readings(monkeypatch):
    """From where each file was read, in order."""
    found = []
    plain = whole_logs.stage_file

    def noted(file, layout, columns, target, begin):
        found.append(begin)
        return plain(file, layout, columns, target, begin)

    monkeypatch.setattr(whole_logs, "stage_file", noted)
    return found


def appended(workspace, rows):
    """More rows at the end of the log, as a running ad server writes them."""
    path = workspace.data / "log.csv"
    before = path.read_bytes()
    land_inline(workspace.data, rows)
    more = path.read_bytes().split(b"\n", 1)[1]
    path.write_bytes(before + more)


def state(workspace, night):
    return step_plan(View.of(workspace, night, night), "ingest", night).state


def test_a_file_that_did_not_change_is_read_once_for_all_nights(tiny_inline, readings):
    land_inline(tiny_inline.data, ROWS)
    for night in (FIRST, SECOND, THIRD):
        ingest(tiny_inline, night)
    assert readings == [START]
    assert len(tiny_inline.store.rows("impressions")) == 4


def test_of_a_file_that_grew_only_the_new_rows_are_read(tiny_inline, readings, make_workspace):
    land_inline(tiny_inline.data, ROWS[:3])
    size = (tiny_inline.data / "log.csv").stat().st_size
    ingest(tiny_inline, FIRST)
    appended(tiny_inline, [ROWS[3]])
    with (tiny_inline.data / "log.csv").open("a", encoding="utf-8") as stream:
        stream.write("u9,a9,never,1,0,0\n")
    ingest(tiny_inline, SECOND)
    ingest(tiny_inline, THIRD)
    assert [(begin.bytes, begin.row) for begin in readings] == [(0, 0), (size, 4)]
    ingest(tiny_inline, FIRST)
    assert [(row["position"], row["dt"]) for row in tiny_inline.store.rows("quarantine")] == [(6, FIRST)]

    other = make_workspace("inline_label", folder="other", feed=tiny_inline.settings.feed.model_dump())
    shutil.copy2(tiny_inline.data / "log.csv", other.data / "log.csv")
    for night in (FIRST, SECOND, THIRD):
        ingest(other, night)
    assert differences(content(other), content(tiny_inline)) == {}


@pytest.mark.parametrize("kept", ["start", "last line"])
def test_a_file_that_is_another_one_is_read_anew(tiny_inline, readings, kept):
    path = land_inline(tiny_inline.data, ROWS[:3])
    if kept == "last line":  # it was not whole, so the rest of it may have come since
        path.write_bytes(path.read_bytes().rstrip(b"\r\n"))
    ingest(tiny_inline, FIRST)
    land_inline(tiny_inline.data, [LATE, *ROWS] if kept == "start" else ROWS)
    ingest(tiny_inline, THIRD)
    ingest(tiny_inline, FIRST)
    assert readings == [START, START]
    assert len(tiny_inline.store.rows("impressions")) == (4 if kept == "start" else 3)


def test_what_was_kept_may_be_deleted_or_damaged(tiny_inline):
    land_inline(tiny_inline.data, ROWS)
    ingest(tiny_inline, FIRST)
    before = content(tiny_inline)
    [index] = tiny_inline.home.staged.rglob("index.json")
    index.write_text("{", encoding="utf-8")
    ingest(tiny_inline, FIRST)
    shutil.rmtree(tiny_inline.home.staged)
    ingest(tiny_inline, FIRST)
    assert differences(before, content(tiny_inline)) == {}


def test_rows_of_other_days_make_no_night_stale_and_a_late_row_its_own_alone(tiny_inline):
    land_inline(tiny_inline.data, ROWS[:3])
    for night in (FIRST, SECOND):
        run_step(tiny_inline, "ingest", night)
    os.utime(tiny_inline.data / "log.csv", (1, 1))
    assert [state(tiny_inline, night) for night in (FIRST, SECOND)] == ["done", "done"]
    appended(tiny_inline, [("u2", "a2", "2026-01-13T02:00:00+08:00", "2", "0")])
    assert [state(tiny_inline, night) for night in (FIRST, SECOND)] == ["done", "done"]
    appended(tiny_inline, [LATE])
    assert [state(tiny_inline, night) for night in (FIRST, SECOND)] == ["stale", "done"]


def test_a_day_that_has_left_the_file_makes_nothing_stale(tiny_inline):
    land_inline(tiny_inline.data, ROWS)
    for night in (FIRST, SECOND):
        run_step(tiny_inline, "ingest", night)
    land_inline(tiny_inline.data, ROWS[2:])
    assert [state(tiny_inline, night) for night in (FIRST, SECOND)] == ["done", "done"]


ROWS_OF_THE_SECOND_DAY = """
import sys
from datetime import date
from pathlib import Path
from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.landing.discovery import all_files
from jobs.landing.whole_logs import whole_logs
from jobs.workspace import Home, Workspace

description, data, home = sys.argv[1:]
workspace = Workspace(Home(Path(home)), Settings(), load_dataset(description), Path(data))
files = all_files(workspace.data, workspace.dataset.impressions)
print(whole_logs(workspace)["impressions"].of_day(files, date(2026, 1, 11))[0].count())
"""


def test_a_staged_log_is_read_by_a_process_that_has_used_no_engine_yet(tiny_inline):
    land_inline(tiny_inline.data, ROWS)
    ingest(tiny_inline, FIRST)
    root = Path(__file__).parents[2]
    places = (root / "tests" / "data" / "inline_label.yaml", tiny_inline.data, tiny_inline.home.path)
    command = [sys.executable, "-c", ROWS_OF_THE_SECOND_DAY, *map(str, places)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1


def test_rows_of_no_day_go_with_the_first_real_one_however_odd_single_times_are(tiny_inline):
    path = land_inline(tiny_inline.data, ROWS)
    odd = ("0", "-62135596800000", "-99999999999999999", "220000000000000", "9e18", "never")
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(f"u{number},a,{time},1,0,0\n" for number, time in enumerate(odd))
    ingest(tiny_inline, FIRST)
    rejected = sorted(tiny_inline.store.rows("quarantine"), key=lambda row: row["position"])
    assert [row["position"] for row in rejected] == [len(ROWS) + 2 + number for number in range(len(odd))]
    reasons = [row["reason"] for row in rejected]
    assert reasons[0] == "dated before 2016-01-03, years before most rows"
    assert reasons[3] == "dated after 2036-01-18, years after most rows"
    assert reasons[5] == "time in time_ms cannot be read"
    assert waiting(tiny_inline) == [
        {"source": "impressions", "rows": 2, "days": [str(SECOND), str(THIRD)], "undated": 0}
    ]
