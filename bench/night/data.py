"""Homes whose next night is to be run: days behind it, a champion, and the night's landing files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import yaml

from bench.night.history import add_days_before
from bench.training.data import FIRST, NO_TRAININGS, SEED, ctr, promote
from conf.settings import CONF_FOLDER
from simulation import Scenario, WorldSettings, write_days

NIGHTS_RUN = 4
"""Nights that are run to make a home: the fewest after which one has everything that a night leaves."""
NIGHT = FIRST + timedelta(days=NIGHTS_RUN)


@dataclass(frozen=True)
class Shape:
    """What the cost of a night may depend on.

    Attributes:
        impressions: of each day.
        days: how many lie behind the night. The last of them are run, the others are copies.
        world: how many times the simulator's own numbers of users and advertisers; campaigns and ads go with them.
        windows: days that histories look back. With fewer windows there are fewer features of the same keys.
        trees: of the champion, about.
    """

    impressions: int
    days: int = 9
    world: int = 1
    windows: tuple[int, ...] = (1, 7, 28)
    trees: int = 200

    @property
    def name(self) -> str:
        """The name of its home."""
        windows = "-".join(map(str, self.windows))
        return f"night-{self.impressions}-days-{self.days}-world-{self.world}-windows-{windows}-trees-{self.trees}"

    @property
    def training(self) -> dict[str, str]:
        """Settings for a champion of which nothing is asked but its size: few rows, and trees that never stop early."""
        trees = f"{{max_rounds: {self.trees}, early_stopping_rounds: 100000, eta: 0.01}}"
        return {
            "CTR_SET_TRAINING__SAMPLING_RATE": "0.1",
            "CTR_SET_TRAINING__MIN_TRAIN_DAYS": "2",
            "CTR_SET_TRAINING__MODEL": f"{{boosted: {trees}, half_life_days: [0.0]}}",
        }


def make_nights(folder: Path, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """What sides are given that run nights: the home of each, made once, two at a time."""
    different = sorted(set(shapes.values()), key=lambda shape: shape.name)
    with ThreadPoolExecutor(2) as two:
        homes = dict(zip(different, two.map(partial(make_night, folder), different), strict=True))
    return {"homes": {side: str(homes[shape]) for side, shape in shapes.items()}, "night": NIGHT.isoformat()}


def make_night(folder: Path, shape: Shape) -> Path:
    """A home of a shape, made once."""
    home = folder / shape.name
    done = home / "bench.done"
    if not done.is_file():
        shutil.rmtree(home, ignore_errors=True)
        before = str(NIGHT - timedelta(days=1))
        _simulate(home, shape)
        ctr(
            home,
            "replay",
            "--start",
            str(FIRST),
            "--end",
            before,
            "--dataset",
            _dataset(home, shape),
            settings=NO_TRAININGS,
        )
        add_days_before(home, shape.days - NIGHTS_RUN)
        ctr(home, "train", "--date", before, "--models", "mix", "--window-days", "2", settings=shape.training)
        promote(home)
        done.touch()
    return home


def _simulate(home: Path, shape: Shape) -> None:
    """Landing files of the nights that are run, and of the next one."""
    plain = WorldSettings(seed=SEED, impressions_per_day=shape.impressions)
    world = WorldSettings(
        seed=SEED,
        impressions_per_day=shape.impressions,
        users=plain.users * shape.world,
        joins_per_day=plain.joins_per_day * shape.world,
        advertisers=plain.advertisers * shape.world,
    )
    # Millions of lines lie in memory before they are written, and this process would not give it all back.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
        landing, calm = home / "landing" / "simulated", Scenario(name="calm")
        apart.submit(write_days, landing, home / "truth", world, calm, FIRST, NIGHTS_RUN + 1).result()


def _dataset(home: Path, shape: Shape) -> str:
    """A description of the simulated log with the shape's windows."""
    described = yaml.safe_load((CONF_FOLDER / "datasets" / "simulated.yaml").read_text(encoding="utf-8"))
    file = home / "simulated.yaml"
    file.write_text(yaml.safe_dump(described | {"windows_days": list(shape.windows)}), encoding="utf-8")
    return str(file)
