"""The gate's power on the terminal: progress while the trials run, then how often it promoted whom."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from conf.settings import PromotionPolicy
from jobs.backtest_display import study_progress, study_table
from jobs.terminal import Console
from validation.gate_power import Power, TrialWorld, gate_power


def gate_power_progress(
    worlds: Sequence[TrialWorld], policy: PromotionPolicy, trials: int, seed: int, *, quiet: bool
) -> list[Power]:
    """Run the trials of each world behind a progress bar."""
    with study_progress(quiet) as progress:
        task = progress.add_task("trials", total=trials * len(worlds))
        count = partial(progress.advance, task)
        return [gate_power(world, policy, trials=trials, seed=seed, on_trial=count) for world in worlds]


def show_gate_power(found: Sequence[Power], policy: PromotionPolicy, console: Console | None = None) -> None:
    """One row a challenger."""
    console = console or Console(highlight=False)
    world = found[0].world
    table = study_table(
        f"{world.impressions:,} impressions, click rate {world.ctr:g}, champion's NE {world.champion_ne:g}",
        "challenger",
    )
    for name in ("trials", "promoted", "share", "95 % limits", "disagree"):
        table.add_column(name, justify="right")
    for power in found:
        limits = f"{power.low:.3f} to {power.high:.3f}"
        shown = (f"{power.share:.3f}", limits, f"{power.disagreement:.2f}")
        table.add_row(_challenger(power.world.gain), str(power.trials), str(power.promoted), *shown)
    console.print(table)
    console.print(
        f"Confidence asked for: {policy.confidence:g}. Disagree: deviation of the two models' log odds from\n"
        "each other; the more they differ, the more chance hides a gain.\n"
        "Measured: docs/studies.md."
    )


def _challenger(gain: float) -> str:
    if gain == 0.0:
        return "as good"
    return f"{abs(100 * gain):g} % {'better' if gain > 0 else 'worse'} NE"
