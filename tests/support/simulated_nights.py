"""Nine simulated nights, so few rows that they run in half a minute, and so many that a champion comes of them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from new_campaign import announce_campaign

from conf.dataset import load_dataset
from conf.settings import Settings
from jobs.night import nights_between
from jobs.simulate import simulate_days
from jobs.workspace import Home, Workspace

START = date(2026, 1, 1)
NIGHTS = nights_between(START, START + timedelta(days=8))
TRAINING = {"models": ["logistic_regression"], "min_train_days": 2, "threads": 2}
PROMOTION = {"min_calibration_ratio": 0.6, "max_calibration_ratio": 1.6}
"""Of some 140 clicks a day: chance alone moves the ratio by a sixth."""


def workspace_in(home: Path, data: Path) -> Workspace:
    """A workspace of the simulated log."""
    settings = Settings.model_validate({"training": TRAINING, "promotion": PROMOTION})
    return Workspace(Home(home), settings, load_dataset("simulated"), data)


def land_nights(workspace: Workspace) -> None:
    """The landing files of all nights. On the last evening a wholly new campaign is announced."""
    days = {"start": START, "days": len(NIGHTS), "impressions": 3000}
    simulate_days(workspace, **days, scenario="calm", drift_from=None, strength=1.0, seed=7)
    announce_campaign(workspace.data / str(NIGHTS[-1]), NIGHTS[-1] + timedelta(days=1))
