"""A home whose next night is to be run: some nights behind it, a champion, and the landing files of the night."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.training.data import DAYS, FIRST, NO_TRAININGS, SEED, ctr

LAST = FIRST + timedelta(days=DAYS)
SAMPLED = {"CTR_SET_TRAINING__SAMPLING_RATE": "0.1"}
"""The night asks nothing of its champion but that it scores."""


def make_night(folder: Path, impressions: int) -> dict[str, Any]:
    """Nine nights and a champion, made once; the tenth night's files have landed."""
    home = folder / f"night-{impressions}"
    done = home / "bench.done"
    if not done.is_file():
        shutil.rmtree(home, ignore_errors=True)
        before = LAST - timedelta(days=1)
        ctr(home, "simulate", "--days", str(DAYS + 2), "--impressions", str(impressions), "--seed", str(SEED))
        ctr(home, "replay", "--start", str(FIRST), "--end", str(before), settings=NO_TRAININGS)
        ctr(home, "train", "--date", str(before), "--promote", settings=SAMPLED)
        ctr(home, "promote", "1", "--reason", "a night to be measured wants a champion", "--force")
        done.touch()
    return {"home": str(home), "night": str(LAST), "impressions": impressions}
