"""Nights run twice, backfilled, or replayed from nothing leave the same tables."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
import yaml
from landing_files import FIRST, OPEN_GATE
from plain_reference import Clicked, Log, Shown
from random_logs import ADS, DELAYS, SLOTS, USERS, land_log, with_a_crowd
from table_content import content, differences

from jobs.night import STEPS, run_step
from jobs.workspace import Workspace

CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"
NIGHTS = tuple(FIRST + timedelta(days=ahead) for ahead in range(4))


@pytest.fixture(scope="module")
def log() -> Log:
    """Four nights with late rows, duplicates and clicks around the window's end; the same each time."""
    draw = random.Random(11)
    shown, clicked = [], []
    for number in range(60):
        at = datetime.combine(draw.choice(NIGHTS), time(draw.choice((0, 9, 23)), 30))
        name, nights = f"i{number}", [at.date() + timedelta(days=lag) for lag in draw.choice(((0,), (0, 1), (2,)))]
        shown.append(Shown(name, draw.choice(USERS), draw.choice(ADS), draw.choice(SLOTS), at, tuple(nights)))
        if draw.random() < 0.4:
            moment = at + timedelta(microseconds=draw.choice(DELAYS))
            arrived = moment.date() + timedelta(days=draw.choice((0, 0, 1, 2)))
            clicked.append(Clicked(name, moment, (arrived, arrived)))
    campaigns = {night: {ad: draw.choice(("c1", "c2")) for ad in ADS} for night in NIGHTS}
    candidates = {night: [(user, ad, "top") for user in USERS for ad in ADS] for night in NIGHTS}
    return with_a_crowd(Log(tuple(shown), tuple(clicked), campaigns, candidates))


def run(workspace: Workspace, nights: Iterable[date]) -> None:
    for night in nights:
        for step in STEPS:
            run_step(workspace, step, night)


def test_nights_run_again_backfilled_or_replayed_leave_the_same_tables(make_workspace, log):
    first, second, third, fourth = NIGHTS
    inorder = make_workspace("click_log", feed=OPEN_GATE, folder="in-order")
    land_log(inorder.data, log, NIGHTS)
    run(inorder, NIGHTS)
    expected = content(inorder)
    assert all(expected[table] for table in ("training_examples", "predictions", "quality", "decisions"))

    run(inorder, [fourth])
    assert differences(expected, content(inorder)) == {}, "the last night run twice"

    backfilled = replace(make_workspace("click_log", feed=OPEN_GATE, folder="backfilled"), data=inorder.data)
    run(backfilled, [first, second, fourth, third, fourth])
    assert differences(expected, content(backfilled)) == {}, "the third night run after the fourth"

    run(inorder, [second, third, fourth])
    assert differences(expected, content(inorder)) == {}, "all nights but the first run again"


def started(workspace: Workspace, *arguments: str) -> subprocess.Popen[str]:
    """A command on the workspace, in a process of its own."""
    settings = workspace.home.path.with_name("settings.yaml")
    settings.write_text(yaml.safe_dump({"feed": OPEN_GATE}), encoding="utf-8")
    place = ["--home", str(workspace.home.path), "--data", str(workspace.data), "--dataset", str(CLICK_LOG)]
    return subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", *arguments, *place, "--env", str(settings), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def ended(process: subprocess.Popen[str]) -> None:
    """Wait for a command, which has to do without an error."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said


def test_nights_that_run_at_once_and_are_then_caught_up_leave_the_tables_of_nights_in_order(make_workspace, log):
    inorder = make_workspace("click_log", feed=OPEN_GATE, folder="in-order")
    land_log(inorder.data, log, NIGHTS)
    run(inorder, NIGHTS[:3])
    at_once = replace(make_workspace("click_log", feed=OPEN_GATE, folder="at-once"), data=inorder.data)
    for night in [started(at_once, "night", "--date", str(night)) for night in NIGHTS[:3]]:
        ended(night)
    ended(started(at_once, "replay", "--start", str(NIGHTS[0]), "--end", str(NIGHTS[2])))
    assert differences(content(inorder), content(at_once)) == {}
