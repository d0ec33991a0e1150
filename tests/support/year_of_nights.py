"""A long run of small nights with weekly maintenance, and what the home weighs after each of them."""

from __future__ import annotations

import csv
import os
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path

from landing_files import OPEN_GATE, impression, land

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.lost_days import RECORDS
from jobs.maintain import maintain
from jobs.night import nights_done, run_night
from jobs.workspace import Home, Workspace

FIRST = date(2026, 1, 1)
USERS, ADS, SLOTS = 12, 4, ("top", "side")
IMPRESSIONS = 60
WEEK = 7
PART = 28
"""Nights of one process."""
DAY_SECONDS = 86_400
LONGEST = 2_000
"""Nights, at most."""
Night = Callable[[Workspace, date, int], bool]
"""Runs a night, the so-manieth of all; says whether it trained."""
DESCRIPTION = Path(__file__).parents[1] / "data" / "year_log.yaml"
SETTINGS = {
    "feed": OPEN_GATE,
    "training": {
        "models": ["logistic_regression"],
        "window_days": 14,
        "min_train_days": 5,
        "threads": 1,
        "model": {"hashing": {"bits": 8}},
    },
    "promotion": {"min_impressions": 20, "min_calibration_ratio": 0.2, "max_calibration_ratio": 5.0},
    # Of 60 impressions chance moves every figure: what trains here is the age of the champion, as in a calm year.
    "monitoring": {
        "drift": {
            "min_impressions": 20,
            "psi": 9.0,
            "wasserstein": 9.0,
            "prediction": 9.0,
            "ctr_ratio": 9.0,
            "ne_ratio": 9.0,
            "new_ads_factor": 9.0,
            "calibration_low": 0.01,
            "calibration_high": 99.0,
        },
        "keep_reports_days": 35,
    },
    "maintenance": {"keep_days": 28, "keep_models_days": 28},
    # A commit copies the list of snapshots several times: with a fourth of them a year takes half as long.
    "store": {"keep_snapshots": 5},
}


@dataclass(frozen=True)
class Weight:
    """What one night took, and what the home weighed after it. Bytes, seconds and numbers of files."""

    night: int
    seconds: float
    cpu_seconds: float
    maintenance_seconds: float
    trained: int
    table_files: int
    record_files: int
    table_folders: int
    table_bytes: int
    metadata_files: int
    metadata_bytes: int
    catalog_bytes: int
    contents_bytes: int
    mlflow_bytes: int
    artifact_files: int
    artifact_bytes: int
    report_files: int
    report_bytes: int
    other_files: int


def workspace_of(folder: Path) -> Workspace:
    """The workspace of a long run."""
    landing = folder / "landing"
    landing.mkdir(parents=True, exist_ok=True)
    return Workspace(Home(folder / "home"), Settings.model_validate(SETTINGS), load_dataset(str(DESCRIPTION)), landing)


def land_night(data: Path, night: date) -> None:
    """The files of one night: the same for the same day. Clicks follow the slot; a few rows arrive a night late."""
    draw = random.Random(night.toordinal())
    shown, clicks = [], []
    for number in range(IMPRESSIONS):
        late = number < 2 and night > FIRST
        day, slot = night - timedelta(days=int(late)), draw.choice(SLOTS)
        name = f"{night}-{number}"
        user, ad = f"u{draw.randrange(USERS)}", f"a{draw.randrange(ADS)}"
        shown.append(impression(name, day, f"{draw.randrange(24):02}:30:00", user=user, ad=ad, slot=slot))
        if not late and draw.random() < (0.4 if slot == "top" else 0.1):
            clicks.append((name, f"{shown[-1][3][:-5]}45:00"))
    everything = [(f"u{user}", f"a{ad}", slot) for user in range(USERS) for ad in range(ADS) for slot in SLOTS]
    campaigns = {f"a{ad}": f"c{ad % 2}" for ad in range(ADS)}
    land(data, night, impressions=shown, clicks=clicks, campaigns=campaigns, candidates=everything)


def whole_night(workspace: Workspace, night: date, number: int) -> bool:
    """Land a night and run all its steps; says whether it trained."""
    land_night(workspace.data, night)
    return any(result.step == "train" for result in run_night(workspace, night))


def run_year_in_parts(folder: Path, nights: int, seconds: float) -> None:
    """`run_year`, with a new process every four weeks: a night at work has a process of its own."""
    until = time.monotonic() + seconds
    done = len(curve(folder / "curve.csv"))
    while done < nights and time.monotonic() < until:
        last = min(nights, (done // PART + 1) * PART)
        with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
            pool.submit(run_part, folder, last, until - time.monotonic()).result()
        done = len(curve(folder / "curve.csv"))


def run_part(folder: Path, nights: int, seconds: float) -> None:
    """`run_year` to its end."""
    deque(run_year(folder, nights, seconds), maxlen=0)


def run_year(folder: Path, nights: int, seconds: float, run: Night = whole_night) -> Iterator[Weight]:
    """Run nights in order, going on where an earlier run stopped, until there are so many or the time is over.

    The first night lies years back, and each file gets the time of its night: what a year of waiting would do to it is
    done to it. Snapshots keep their real time, so that none is forgotten for its age: that would only take more away.
    Each weight is added to `curve.csv` in the folder.
    """
    workspace, began = workspace_of(folder), time.monotonic()
    done = len(nights_done(workspace))
    clock = folder / "clock"
    if not clock.exists():
        clock.write_text(str(time.time() - LONGEST * DAY_SECONDS))
    start = float(clock.read_text())
    for number in range(done, nights):
        if time.monotonic() - began > seconds:
            return
        night = FIRST + timedelta(days=number)
        wall, cpu = time.perf_counter(), time.process_time()
        trained = run(workspace, night, number)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        date_files(workspace.home.path, start + number * DAY_SECONDS)
        maintenance = 0.0
        if number % WEEK == WEEK - 1:
            before = time.perf_counter()
            maintain(workspace, now=start + (number + 0.25) * DAY_SECONDS)
            maintenance = time.perf_counter() - before
        weight = weigh(workspace, number + 1, wall, cpu, maintenance, int(trained))
        keep(folder / "curve.csv", weight)
        yield weight


def date_files(folder: Path, moment: float) -> None:
    """Give what was written since the last call the time of its night."""
    for path in [folder, *folder.rglob("*")]:
        if path.stat().st_mtime > moment and not path.is_symlink():
            os.utime(path, (moment, moment))


def weigh(workspace: Workspace, night: int, wall: float, cpu: float, maintenance: float, trained: int) -> Weight:
    """What the home weighs."""
    home = workspace.home
    inside = [path for path in home.warehouse.rglob("*") if path.is_file()]
    metadata = [path for path in inside if path.parent.name == "metadata"]
    rows = [path for path in inside if path.parent.name != "metadata"]
    artifacts = [path for path in (home.mlflow / "artifacts").rglob("*") if path.is_file()]
    reports = [path for path in home.reports.rglob("*") if path.is_file()]
    everything = sum(path.is_file() for path in home.path.rglob("*"))
    return Weight(
        night=night,
        seconds=round(wall, 2),
        cpu_seconds=round(cpu, 2),
        maintenance_seconds=round(maintenance, 2),
        trained=trained,
        table_files=sum(not is_record(home, path) for path in rows),
        record_files=sum(is_record(home, path) for path in rows),
        table_folders=sum(path.is_dir() for path in home.warehouse.rglob("*")),
        table_bytes=_bytes(rows),
        metadata_files=len(metadata),
        metadata_bytes=_bytes(metadata),
        catalog_bytes=_database(home.catalog),
        contents_bytes=_database(home.contents),
        mlflow_bytes=_database(home.mlflow / "mlflow.db"),
        artifact_files=len(artifacts),
        artifact_bytes=_bytes(artifacts),
        report_files=len(reports),
        report_bytes=_bytes(reports),
        other_files=everything - len(inside) - len(artifacts) - len(reports),
    )


def is_record(home: Home, file: Path) -> bool:
    """Whether a file belongs to a table that is kept for good; they lie below the data set's name and the table's."""
    return file.relative_to(home.warehouse).parts[1] in RECORDS


def _bytes(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in files)


def _database(file: Path) -> int:
    """Bytes of an SQLite file that are in use."""
    if not file.is_file():
        return 0
    with closing(sqlite3.connect(file)) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def keep(file: Path, weight: Weight) -> None:
    """Add a line to the curve."""
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(field.name for field in fields(Weight))
        writer.writerow(asdict(weight).values())


def curve(file: Path) -> list[Weight]:
    """The lines of a curve, in order of their nights; none before the first."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        return [
            Weight(**{name: float(text) if "." in text else int(text) for name, text in row.items()})  # type: ignore[arg-type]
            for row in csv.DictReader(stream)
        ]
