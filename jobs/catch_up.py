"""Catching up: run what is missing or stale of a night, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from jobs.aliases import sync_aliases
from jobs.night import STEPS, Announce, run_step, trained_or_postponed, training_request, trigger_of
from jobs.plan import TRAIN, View, step_plan
from jobs.registration import forget_training
from jobs.step import StepResult
from jobs.trainings import decided_by_night
from jobs.workspace import Workspace


def catch_up(
    workspace: Workspace, night: date, announce: Announce = lambda _: None, *, again: bool = False
) -> Iterator[StepResult]:
    """Run the steps of a night that are due, yielding each result as it ends.

    Whether a step is due is asked when its turn comes: where the steps before it came out as they were, it is not.
    The night's training is part of it. `again` runs every step; the training only where it is due, like any other time.
    """
    view = View.of(workspace, night, night)
    for step in STEPS:
        if again or step_plan(view, step, night).due:
            announce(step)
            yield run_step(workspace, step, night)
            view.look()
    if step_plan(view, TRAIN, night).due:
        yield from _training(view, night, announce)
        view.look()
    if step_plan(view, "score", night).due:  # the champion is another than it was before the training
        announce("score")
        yield run_step(workspace, "score", night)


def _training(view: View, night: date, announce: Announce) -> Iterator[StepResult]:
    """Train if the night's decision asks for it; what an earlier decision of the night asked for is forgotten."""
    training = view.trainings.get(night)
    if training is not None:
        if not decided_by_night(training):
            return
        forget_training(view.workspace, night)
    if view.asked_for_training(night):
        announce(TRAIN)
        request = training_request(view.workspace, night, trigger_of(view.decision(night)))
        yield trained_or_postponed(view.workspace, request, again=True)
    else:
        sync_aliases(view.workspace)
