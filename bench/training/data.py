"""Training examples of a simulated log, made by the pipeline itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from bench.sides import ROOT

FIRST = date(2026, 1, 1)
DAYS = 9
NEXT = FIRST + timedelta(days=DAYS)
SEED = 7
NO_TRAININGS = {"CTR_SET_TRAINING__MIN_TRAIN_DAYS": "300"}


def make_home(folder: Path, impressions: int) -> Path:
    """A home with nine nights of the simulated log, and an XGBoost model trained on them; made once.

    The files of the next night have landed.
    """
    home = folder / f"home-{impressions}"
    done = home / "bench.json"
    if done.is_file():
        return home
    shutil.rmtree(home, ignore_errors=True)
    last = FIRST + timedelta(days=DAYS - 1)
    ctr(home, "simulate", "--days", str(DAYS + 1), "--impressions", str(impressions), "--seed", str(SEED))
    ctr(home, "replay", "--start", str(FIRST), "--end", str(last), settings=NO_TRAININGS)
    ctr(home, "train", "--date", str(last), "--models", "xgboost", "--promote")
    promote(home)
    done.write_text(json.dumps(parts(home)), encoding="utf-8")
    return home


def promote(home: Path) -> None:
    """Make the only model champion, whatever the gate says."""
    ctr(home, "promote", "1", "--reason", "a night to be measured wants a champion", "--force")


def ctr(home: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> None:
    """Run one of the pipeline's commands on a home; what it says is shown only where it fails."""
    command = [sys.executable, "-m", "jobs.cli", *arguments, "--home", str(home), "--json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), **(settings or {})}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {(done.stderr or done.stdout).strip()[-1500:]}")


def parts(home: Path) -> dict[str, Sequence[str]]:
    """Files of the days to learn from, to stop by, and to be judged on."""
    from jobs.training_data import described_days, example_files
    from jobs.workspace import open_workspace

    workspace = open_workspace(home=home)
    days = described_days(workspace)
    split = {"train": days[:-2], "validation": days[-2:-1], "holdout": days[-1:]}
    return {name: example_files(workspace, chosen) for name, chosen in split.items()}
