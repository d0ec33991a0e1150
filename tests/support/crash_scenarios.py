"""The commands that are killed: each on a home in which it changes as much as it can on few rows."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock
from pathlib import Path

from killed_commands import KilledHome
from landing_files import FIRST, OPEN_GATE
from plain_reference import Clicked, Log, Shown
from random_logs import ADS, SLOTS, land_log

NIGHTS = tuple(FIRST + timedelta(days=ahead) for ahead in range(8))
CLICK_LOG = str(Path(__file__).parents[1] / "data" / "click_log.yaml")
SETTINGS = {
    "feed": OPEN_GATE,
    "training": {"models": ["logistic_regression"], "min_train_days": 1, "threads": 1, "model": {"refit": False}},
    "promotion": {
        "min_impressions": 10,
        "confidence": 0.51,
        "min_calibration_ratio": 0.01,
        "max_calibration_ratio": 100.0,
    },
    "monitoring": {"drift": {"min_impressions": 10}, "keep_reports_days": 2, "keep_evidently_days": 1},
    "maintenance": {"orphan_hours": 1, "keep_models_days": 1},
}
OFTEN_CLICKED = SLOTS[0]
USERS = tuple(f"u{number}" for number in range(40))
"""The promotion gate does not judge by fewer than 30."""


@dataclass(frozen=True)
class Scenario:
    """A command, and what makes its home ready for it."""

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[KilledHome], None]


def learnable_log(changed: date | None = None) -> Log:
    """Eight nights whose clicks follow the slot, with late rows; the rows of one night may be others."""
    shown, clicked = [], []
    for place, night in enumerate(NIGHTS):
        draw = random.Random(place + (100 if night == changed else 0))
        for number in range(200):
            at = datetime.combine(night, clock(draw.choice((0, 9, 21, 23)), draw.randrange(60)))
            slot, name = draw.choice(SLOTS), f"i{place}-{number}"
            arrived = tuple(night + timedelta(days=lag) for lag in draw.choice(((0,), (0,), (0, 1), (2,))))
            shown.append(Shown(name, draw.choice(USERS), draw.choice(ADS), slot, at, arrived))
            if draw.random() < (0.9 if slot == OFTEN_CLICKED else 0.05):
                moment = at + timedelta(minutes=draw.randrange(300))
                clicked.append(Clicked(name, moment, (moment.date() + timedelta(days=draw.choice((0, 0, 1))),)))
    campaigns = {night: dict.fromkeys(ADS, f"c{place % 2}") for place, night in enumerate(NIGHTS)}
    candidates = {night: [(user, ad, slot) for user in USERS[:3] for ad in ADS for slot in SLOTS] for night in NIGHTS}
    return Log(tuple(shown), tuple(clicked), campaigns, candidates)


def replayed(home: KilledHome, nights: int) -> None:
    """The first nights, done; all have landed."""
    land_log(home.landing, learnable_log(), NIGHTS)
    if not home.bring_back(f"{nights} nights"):
        if nights > 1:
            replayed(home, nights - 1)
        home.done("night", "--date", str(NIGHTS[nights - 1]))
        home.keep(f"{nights} nights")


def nothing_done(home: KilledHome) -> None:
    """Nights that have landed, in a home that nothing was run in."""
    land_log(home.landing, learnable_log(), NIGHTS)
    shutil.rmtree(home.home, ignore_errors=True)
    home.home.mkdir()


def nights_done(number: int) -> Callable[[KilledHome], None]:
    """Some nights and no more."""
    return lambda home: replayed(home, number)


def corrected(home: KilledHome) -> None:
    """Four nights, of which the last but one has landed anew."""
    replayed(home, 4)
    land_log(home.landing, learnable_log(NIGHTS[2]), NIGHTS[2:3])


def littered(home: KilledHome) -> None:
    """Eight nights, two models that never served, and what killed commands leave: files of no snapshot and a scratch
    folder. All are old enough to go."""
    replayed(home, 8)
    for window in ("2", "3"):
        home.done("train", "--date", str(NIGHTS[5]), "--no-promote", "--window-days", window, "--reason", "a try")
    long_ago = time.time() - 7 * 86_400
    litter = [home.home / "scratch" / "train-0" / "part.parquet"]
    for folder in sorted((home.home / "warehouse").rglob("data")):
        litter.append(folder / "0" / "part.parquet")
    for file in litter:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"left behind")
        for path in (file, file.parent):
            os.utime(path, (long_ago, long_ago))


def two_versions(home: KilledHome) -> None:
    """Six nights, the last of which made a champion, and a second version by hand that is none."""
    replayed(home, 6)
    home.done("train", "--date", str(NIGHTS[5]), "--no-promote", "--reason", "a try")


def rolled_forward(home: KilledHome) -> None:
    """Two changes by hand, so that a rollback done twice would go too far."""
    two_versions(home)
    home.done("train", "--date", str(NIGHTS[5]), "--no-promote", "--window-days", "2", "--reason", "another try")
    home.done("promote", "2", "--reason", "a try", "--force")
    home.done("promote", "3", "--reason", "a try", "--force")


SCENARIOS = (
    Scenario("first night", ("night", "--date", str(NIGHTS[0])), nothing_done),
    Scenario("night", ("night", "--date", str(NIGHTS[2])), nights_done(2)),
    Scenario("night with training", ("night", "--date", str(NIGHTS[5])), nights_done(5)),
    Scenario("replay", ("replay", "--start", str(NIGHTS[1]), "--end", str(NIGHTS[3])), corrected),
    Scenario("replay with training", ("replay", "--start", str(NIGHTS[5]), "--end", str(NIGHTS[5])), nights_done(5)),
    Scenario("train", ("train", "--date", str(NIGHTS[5]), "--window-days", "2"), nights_done(6)),
    Scenario("maintain", ("maintain",), littered),
    Scenario("promote", ("promote", "2", "--reason", "a try", "--force"), two_versions),
    Scenario("rollback", ("rollback", "--reason", "a try"), rolled_forward),
)
