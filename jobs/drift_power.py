"""How often the nightly decision is right: simulated logs with a drift whose name and first day are known.

Each trial is a log of its own. Its nights are run by the pipeline itself until a champion serves and its cool-down has
passed. From there each scenario goes its own way in a copy of that home, at the same path, for tables name their files
by it. A copy's nights run in a process of their own: nothing that a process keeps in memory outlives its copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from conf.dataset import load_dataset
from conf.errors import FeedBlocked, NotReady
from conf.settings import Settings
from jobs.backtest import backtest
from jobs.catch_up import catch_up
from jobs.champion import champion_as_of, load_version
from jobs.night import nights_between, run_step
from jobs.simulate import simulate_days
from jobs.training_data import examples_table
from jobs.workspace import Home, Workspace

CALM = "calm"
RIGHT_ANSWERS = {
    "covariate_drift": ("retrain", "shift"),
    "concept_drift": ("retrain", "decay"),
    "new_ads": ("retrain", "new_ads"),
    "outage": ("blocked", "broken_input"),
    "unit_change": ("blocked", "broken_input"),
}
ANSWERED_BY_TRAINING = tuple(name for name, (verdict, _) in RIGHT_ANSWERS.items() if verdict == "retrain")
RECOVERING = ("covariate_drift", "concept_drift")
"""Scenarios after which a model can be trained on the new regime."""

ALARMS = ("retrain", "blocked")
HISTORY_DAYS = (1, 7)
"""Windows of the histories. With the usual 28 days the store would go on changing for 28 nights of every trial."""
PREPARED = 14
"""Nights that only gather days to learn from."""
SETTLED = 3
"""Further nights: a training, and its cool-down but for the night before the drift."""
TRAIN_DAYS = 6
NIGHTS_TO_ANSWER = 2
NIGHTS_TO_RECOVER = 13
"""By then the training that follows up has been made, a week after the one that answers, and has scored a day whose
labels are final."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Trial:
    """One simulated log: its folder, seed, size and first day."""

    folder: Path
    seed: int
    impressions: int
    strength: float
    settings: Settings

    @property
    def first(self) -> date:
        """Trials begin on different weekdays."""
        return date(2026, 1, 1) + timedelta(days=self.seed % 7)

    @property
    def begins(self) -> date:
        """The day on which the scenarios begin."""
        return self.first + timedelta(days=PREPARED + SETTLED + 1)

    def workspace(self) -> Workspace:
        """The trial's home, with the settings in force but for the length of histories and training."""
        training = self.settings.training.model_copy(update={"window_days": TRAIN_DAYS})
        dataset = load_dataset("simulated").model_copy(update={"windows_days": HISTORY_DAYS})
        settings = self.settings.model_copy(update={"training": training})
        return Workspace(Home(self.folder / "home"), settings, dataset, self.folder / "landing")


@dataclass(frozen=True)
class NightAnswer:
    """What a night decided, and whether its training was promoted; `promoted` is None where nothing was trained."""

    day: date
    verdict: str
    cause: str
    reasons: tuple[str, ...]
    promoted: bool | None = None

    @property
    def alarm(self) -> bool:
        """Whether somebody or something has to act."""
        return self.verdict in ALARMS


@dataclass(frozen=True)
class Answered:
    """A scenario's nights in one trial, in order, from the one before it began.

    `ne_recovered` and `ne_regime` are the NE, on the last day that both can be measured on, of the predictions that
    were served and of a model trained on the new regime alone.
    """

    scenario: str
    seed: int
    begins: date
    nights: tuple[NightAnswer, ...]
    ne_recovered: float | None = None
    ne_regime: float | None = None

    @property
    def first_alarm(self) -> NightAnswer | None:
        """The first alarm since the scenario began."""
        return next((night for night in self.nights if night.day >= self.begins and night.alarm), None)

    @property
    def nights_until(self) -> int | None:
        """Nights from the scenario's first to its first alarm; 0 where it came at once."""
        return (self.first_alarm.day - self.begins).days if self.first_alarm else None

    @property
    def right(self) -> bool:
        """Whether the first alarm came in time and names the right cause."""
        alarm = self.first_alarm
        return (
            alarm is not None
            and (alarm.day - self.begins).days <= NIGHTS_TO_ANSWER
            and (alarm.verdict, alarm.cause) == RIGHT_ANSWERS.get(self.scenario)
        )

    @property
    def trainings(self) -> int:
        """Trainings since the scenario began."""
        return sum(night.promoted is not None for night in self.nights if night.day >= self.begins)

    @property
    def calm_nights(self) -> int:
        """Nights on which nothing had changed. The night before a drift is the calm scenario's own, so counts there."""
        return len(self.nights) if self.scenario == CALM else 0

    @property
    def false_alarms(self) -> int:
        """Alarms on calm nights."""
        return sum(night.alarm for night in self.nights) if self.scenario == CALM else 0


def settle(trial: Trial) -> None:
    """Simulate the trial's calm nights, run them, and keep the home as it then is.

    Raises:
        NotReady: no champion came of it.
    """
    shutil.rmtree(trial.folder, ignore_errors=True)
    simulate(trial, CALM, trial.first, trial.begins)
    apart(partial(_run_calm_nights, trial))
    shutil.copytree(trial.folder / "home", trial.folder / "kept")


def _run_calm_nights(trial: Trial) -> None:
    workspace, last = trial.workspace(), trial.begins - timedelta(days=2)
    nights = nights_between(trial.first, last)
    for night in nights[:PREPARED]:
        for step in ("ingest", "label", "features"):
            run_step(workspace, step, night)
    found = [answer(workspace, night) for night in nights[PREPARED:]]
    if champion_as_of(workspace, last) is None:
        raise NotReady(f"Seed {trial.seed}: no champion within {len(nights)} nights. {found[-1].reasons}")


def answered(trial: Trial, scenario: str, nights: int, *, recovery: bool = False) -> Answered:
    """Run a scenario's nights in a copy of the settled home, until it is answered or for as many nights as asked for.

    With `recovery` all nights are run, and the model that serves in the end is compared with one of the new regime.
    """
    home = trial.folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(trial.folder / "kept", home)
    before = trial.begins - timedelta(days=1)
    last = trial.begins + timedelta(days=nights - 1)
    simulate(trial, scenario, before, last + timedelta(days=1))
    return apart(partial(_run_scenario, trial, scenario, last, recovery))


def _run_scenario(trial: Trial, scenario: str, last: date, recovery: bool) -> Answered:
    workspace = trial.workspace()
    found = Answered(scenario, trial.seed, trial.begins, ())
    for night in nights_between(trial.begins - timedelta(days=1), last):
        found = replace(found, nights=(*found.nights, answer(workspace, night)))
        if found.first_alarm and scenario in ANSWERED_BY_TRAINING and not recovery:
            break
    return _compared(workspace, found, last) if recovery else found


def answer(workspace: Workspace, night: date) -> NightAnswer:
    """Run a night and tell what it decided."""
    try:
        steps = {result.step: result.detail for result in catch_up(workspace, night)}
    except FeedBlocked as error:
        return NightAnswer(night, "blocked", "broken_input", (str(error),))
    told, trained = steps["monitor"], steps.get("train")
    return NightAnswer(
        night, told["verdict"], told["cause"], tuple(told["reasons"]), trained["promoted"] if trained else None
    )


def _compared(workspace: Workspace, found: Answered, last: date) -> Answered:
    """The champion that served the last mature day beside a model trained on the new regime alone, on that day."""
    from models.metrics import normalised_entropy

    day = last - timedelta(days=workspace.dataset.maturity_days)
    champion = champion_as_of(workspace, day - timedelta(days=1))
    if champion is None:
        return found
    rows = examples_table(workspace, [day])
    served = normalised_entropy(load_version(workspace, champion.version).predict(rows), rows["clicked"].to_numpy())
    [regime] = [figures for figures in backtest(workspace, day, day, ("mix",)).days if figures.model == "mix"]
    return replace(found, ne_recovered=served, ne_regime=regime.evaluation.ne)


def drift_power(
    trials: Sequence[Trial],
    scenarios: Sequence[str],
    *,
    calm_nights: int,
    recoveries: int,
    on_step: Callable[[str], Any],
) -> Iterator[Answered]:
    """Every scenario in every trial, as it is answered; recovery is measured in the first trials.

    `on_step` hears what is about to be run.
    """
    for number, trial in enumerate(trials):
        on_step(f"seed {trial.seed}: calm nights until a champion serves")
        settle(trial)
        for scenario in scenarios:
            on_step(f"seed {trial.seed}: {scenario}")
            recovery = scenario in RECOVERING and number < recoveries
            nights = NIGHTS_TO_RECOVER if recovery else calm_nights if scenario == CALM else NIGHTS_TO_ANSWER + 1
            yield answered(trial, scenario, nights, recovery=recovery)
        shutil.rmtree(trial.folder)


def simulate(trial: Trial, scenario: str, first: date, last: date) -> None:
    """Land the days from `first` to `last` of a trial's log, in place of what lies there."""
    simulate_days(
        trial.workspace(),
        start=first,
        days=(last - first).days + 1,
        impressions=trial.impressions,
        scenario=scenario,
        drift_from=trial.begins if scenario != CALM else None,
        strength=trial.strength,
        seed=trial.seed,
    )


def apart(run: Callable[[], Result]) -> Result:
    """Run something in a process of its own and give its result."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run).result()
