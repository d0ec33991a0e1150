"""The decision's power on the terminal: progress while the trials run, then how each scenario was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from conf.settings import Settings
from jobs.backtest_display import study_progress, study_table
from jobs.drift_power import CALM, RIGHT_ANSWERS, Answered, Trial, drift_power
from jobs.terminal import Console


def drift_power_progress(
    settings: Settings,
    scenarios: Sequence[str],
    *,
    trials: int,
    impressions: int,
    strength: float,
    calm_nights: int,
    recoveries: int,
    seed: int,
    quiet: bool,
) -> list[Answered]:
    """Run the trials behind a progress bar, in a folder that goes when they are done."""
    found = []
    with TemporaryDirectory(prefix="ctr-drift-power-") as folder, study_progress(quiet) as progress:
        task = progress.add_task("", total=trials * (1 + len(scenarios)))
        chosen = [
            Trial(Path(folder) / str(number), seed + number, impressions, strength, settings)
            for number in range(trials)
        ]

        def announce(step: str) -> None:
            progress.update(task, description=step, advance=1 if progress.tasks[0].description else 0)

        for answer in drift_power(chosen, scenarios, calm_nights=calm_nights, recoveries=recoveries, on_step=announce):
            found.append(answer)
            progress.console.print(line(answer))
    return found


def line(found: Answered) -> str:
    """One scenario of one trial."""
    told = f"seed {found.seed}  {found.scenario:<15} "
    if found.scenario == CALM:
        return told + f"{found.false_alarms} alarms in {found.calm_nights} nights"
    alarm = found.first_alarm
    what = f"{alarm.verdict}: {alarm.cause} after {found.nights_until} nights" if alarm else "no alarm"
    if found.ne_recovered and found.ne_regime:
        what += f"; then NE {found.ne_recovered:.4f}, trained on the new regime alone {found.ne_regime:.4f}"
    return told + what


def show_drift_power(found: Sequence[Answered], console: Console | None = None) -> None:
    """One row a scenario, then the false alarms."""
    console = console or Console(highlight=False)
    table = study_table("Answers to what was put into simulated logs", "scenario", "right answer")
    for name in ("right", "of", "nights", "trainings"):
        table.add_column(name, justify="right")
    wrong: list[str] = []
    for scenario, (verdict, cause) in RIGHT_ANSWERS.items():
        if own := [answer for answer in found if answer.scenario == scenario]:
            table.add_row(scenario, f"{verdict}: {cause}", *_row(own))
            wrong += _wrong(own)
    console.print(table)
    for told in wrong:
        console.print(told)
    console.print(
        "Right: the first alarm came within 2 nights after the scenario's first and named this cause.\n"
        "Nights: from its first to the alarm, median. Trainings: since then, in all trials."
    )
    nights, alarms = sum(answer.calm_nights for answer in found), sum(answer.false_alarms for answer in found)
    if nights:
        console.print(f"False alarms: {alarms} in {nights} calm nights with a champion.")
    for answer in found:
        if answer.ne_recovered and answer.ne_regime:
            excess = 100 * (answer.ne_recovered / answer.ne_regime - 1)
            console.print(f"Recovery, seed {answer.seed}, {answer.scenario}: NE {excess:+.2f} % of the regime's own.")


def _row(own: Sequence[Answered]) -> tuple[str, ...]:
    waited = sorted(answer.nights_until for answer in own if answer.nights_until is not None)
    return (
        str(sum(answer.right for answer in own)),
        str(len(own)),
        str(waited[len(waited) // 2]) if waited else "-",
        str(sum(answer.trainings for answer in own)),
    )


def _wrong(own: Sequence[Answered]) -> list[str]:
    wrong = Counter(
        f"{answer.first_alarm.cause} after {answer.nights_until} nights" if answer.first_alarm else "no alarm"
        for answer in own
        if not answer.right
    )
    return [f"{own[0].scenario}, not right: {count} x {what}." for what, count in wrong.items()]
