"""A whole night: its steps in order, and the training that its decision asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from conf.errors import RegistryError
from conf.settings import Approval
from jobs.aliases import sync_aliases
from jobs.champion import champion_as_of
from jobs.evaluate import evaluate
from jobs.feature_tables import features
from jobs.ingest import ingest
from jobs.inputs import inputs
from jobs.label import label
from jobs.lost_days import require_not_lost
from jobs.model_cards import publish_cards
from jobs.monitor import monitor
from jobs.promotions import latest_landed
from jobs.report import refresh_site
from jobs.score import score
from jobs.step import MEASURES, StepResult, Stopwatch, save_record
from jobs.tracking import log_measured
from jobs.train import TrainingRequest, train
from jobs.workspace import Workspace

STEPS: dict[str, Callable[[Workspace, date], StepResult]] = {
    "ingest": ingest,
    "label": label,
    "features": features,
    "score": score,
    "evaluate": evaluate,
    "monitor": monitor,
}
RETRAIN = "retrain"

Announce = Callable[[str], None]


def run_step(workspace: Workspace, step: str, night: date) -> StepResult:
    """Run one step of a night and keep its record.

    Raises:
        NotReady: retention has removed what it reads.
    """
    watch = Stopwatch(workspace.store.meter)
    require_not_lost(workspace, step, night)
    read = inputs(workspace, step, night)
    result = STEPS[step](workspace, night)
    save_record(workspace, watch.record(result, read))
    return result


def run_training(workspace: Workspace, request: TrainingRequest, *, again: bool = False) -> StepResult:
    """Train, and where that changed the champion let the new one score the day that nobody has served yet."""
    watch = Stopwatch(workspace.store.meter)
    read = inputs(workspace, "train", request.night)
    result = train(workspace, request, again=again)
    record = watch.record(result, read)
    if not result.detail.get("repeated"):
        measured = {name: record[name] for name in MEASURES}
        log_measured(workspace, result.detail["version"], measured)
    sync_aliases(workspace)
    if result.detail["promoted"]:
        champion = champion_as_of(workspace, request.night)
        if champion is not None and champion.version == result.detail["version"]:
            run_step(workspace, "score", request.night)
        else:  # asked for later than its night, whose next day has been served by now
            score_unserved(workspace)
    publish_cards(workspace, result.detail["version"])
    save_record(workspace, record)  # only now a replay takes the training for done; the page tells what it took
    refresh_site(workspace, request.night)
    return result


def score_unserved(workspace: Workspace) -> StepResult | None:
    """Let the champion of now score the day after the latest landed one again.

    None where there is nothing to do: the champion has scored it, or the night is yet to do so.
    """
    from pyiceberg.expressions import EqualTo

    night = latest_landed(workspace)
    champion = champion_as_of(workspace, night) if night else None
    if night is None or champion is None or night not in workspace.store.days("runs", EqualTo("step", "score")):
        return None
    tomorrow = EqualTo("dt", night + timedelta(days=1))
    by = set(workspace.store.arrow("predictions", tomorrow, columns=("version",))["version"].to_pylist())
    return None if by == {champion.version} else run_step(workspace, "score", night)


def training_request(
    workspace: Workspace,
    night: date,
    trigger: str,
    *,
    models: tuple[str, ...] = (),
    window_days: int | None = None,
    promote: bool = True,
    approval: Approval | None = None,
) -> TrainingRequest:
    """A training request with what is left open taken from the settings."""
    settings = workspace.settings.training
    return TrainingRequest(
        night,
        models or settings.models,
        window_days or settings.window_days,
        promote,
        trigger,
        approval or workspace.settings.promotion.approval,
    )


def run_night(workspace: Workspace, night: date, announce: Announce = lambda _: None) -> Iterator[StepResult]:
    """Run a whole night, yielding the result of each step as it ends; training included where it was decided."""
    for step in STEPS:
        announce(step)
        result = run_step(workspace, step, night)
        yield result
    if result.detail["verdict"] == RETRAIN:
        announce("train")
        yield trained_or_postponed(workspace, training_request(workspace, night, trigger_of(result.detail)))


def trained_or_postponed(workspace: Workspace, request: TrainingRequest, *, again: bool = False) -> StepResult:
    """The training of a night; put off where MLflow does not answer, since the night is done without it.

    The champion in the home goes on serving. `ctr plan` names the training as missing, and a replay makes up for it.
    Where MLflow answers and refuses, no later night would go better: RegistryRefusal.
    """
    try:
        return run_training(workspace, request, again=again)
    except RegistryError as error:
        return StepResult("train", request.night, {}, {"postponed": str(error)})


def trigger_of(decision: Any) -> str:
    """Why a training was asked for, in one line."""
    return f"{decision['cause']}: {decision['reasons'][0]}" if decision["reasons"] else str(decision["cause"])


def nights_between(start: date, end: date) -> list[date]:
    """Every night from start to end, both included."""
    return [start + timedelta(days=ahead) for ahead in range((end - start).days + 1)]


def nights_done(workspace: Workspace) -> set[date]:
    """Nights whose last step has its record."""
    from pyiceberg.expressions import EqualTo

    return set(workspace.store.days("runs", EqualTo("step", "monitor")))
