"""The main job: three simulated weeks with a drift in them, every night run, the last one by Airflow."""

from __future__ import annotations

from datetime import date, timedelta

from jobs.night import nights_done
from jobs.progress import night_progress, replay_progress
from jobs.simulate import simulate_days
from jobs.status import status, top_predictions
from jobs.summary import show_predictions, show_status
from jobs.terminal import Console
from jobs.workspace import Workspace

FIRST_DAY = date(2026, 1, 1)
SCENARIO = "concept_drift"
CALM_SHARE = 0.6
"""The drift begins after this share of the days."""


def run_demo(workspace: Workspace, *, airflow: bool, impressions: int, days: int) -> None:
    """Simulate, replay all nights but the last, run the last one, and show how it went."""
    console = Console(highlight=False)
    last = FIRST_DAY + timedelta(days=days - 1)
    drift_from = FIRST_DAY + timedelta(days=int(days * CALM_SHARE))
    console.rule(f"{days} days of the simulated ad server; {SCENARIO} begins on {drift_from}")
    simulate_days(
        workspace,
        start=FIRST_DAY,
        days=days,
        impressions=impressions,
        scenario=SCENARIO,
        drift_from=drift_from,
        strength=1.0,
        seed=7,
    )
    console.rule(f"Nights {FIRST_DAY} to {last - timedelta(days=1)}, in this process")
    replay_progress(workspace, FIRST_DAY, last - timedelta(days=1), again=False, quiet=False)
    if last in nights_done(workspace):
        console.print(f"{last} is done already.")
    elif airflow:
        console.rule(f"Night {last}, by Airflow")
        from jobs.services.night import run_airflow_night

        run_airflow_night(workspace, last)
    else:
        night_progress(workspace, last, quiet=False)
    console.rule("How it went")
    show_status(status(workspace), console)
    tomorrow = last + timedelta(days=1)
    show_predictions(top_predictions(workspace, tomorrow, 5), tomorrow, console)
