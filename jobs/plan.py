"""What a replay would do: for each step of each night whether it is done, missing, stale or blocked, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Literal, get_args

from jobs.inputs import DEFINITION, Source, changes, inputs, sources
from jobs.landing.discovery import LandingFile, files_of
from jobs.landing.landed import ALWAYS
from jobs.landing.whole_logs import whole_logs
from jobs.lost_days import first_kept, lost
from jobs.night import RETRAIN, STEPS, nights_between
from jobs.store.spans import between
from jobs.trainings import by_night, decided_by_night, trainings
from jobs.workspace import Workspace

State = Literal["done", "missing", "stale", "blocked"]
TRAIN = "train"
REASONS_TOLD = 3
"""More reasons than this for one step are counted, not listed."""


@dataclass(frozen=True)
class StepPlan:
    """One step of one night: its state, and why it is not done."""

    step: str
    state: State
    reasons: tuple[str, ...] = ()

    @property
    def due(self) -> bool:
        """Whether a replay runs it."""
        return self.state != "done"


@dataclass(frozen=True)
class NightPlan:
    """One night with its steps in order."""

    night: date
    steps: tuple[StepPlan, ...]

    @property
    def due(self) -> tuple[StepPlan, ...]:
        """The steps that a replay runs."""
        return tuple(step for step in self.steps if step.due)

    @property
    def state(self) -> State:
        """Blocked before stale before missing: a night of which anything has been done is not missing."""
        states = [step.state for step in self.steps]
        if "blocked" in states:
            return "blocked"
        if states[0] == "missing" or "stale" not in states:
            return "missing" if "missing" in states else "done"
        return "stale"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, each reason once, first things first."""
        return tuple(dict.fromkeys(reason for step in self.due for reason in step.reasons))

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        return {
            "night": self.night.isoformat(),
            "state": self.state,
            "steps": [{"step": step.step, "state": step.state, "reasons": list(step.reasons)} for step in self.due],
            "reasons": list(self.reasons),
        }


def plan(workspace: Workspace, start: date, end: date) -> list[NightPlan]:
    """What a replay of the nights from `start` to `end` would do. Changes nothing.

    A step that follows one that will run is planned too; a replay looks again when it gets there, and leaves it out
    where what it reads came out as it was.
    """
    view = View.of(workspace, start, end)
    ahead: list[Write] = []
    plans = []
    for night in nights_between(start, end):
        steps = []
        for step in (*STEPS, TRAIN):
            found = step_plan(view, step, night, ahead)
            steps.append(found)
            if found.state == "blocked":
                break  # the gate would stop it again, and nothing of the night would run
            if found.due:
                ahead += writes(workspace, step, night)
        plans.append(NightPlan(night, tuple(steps)))
    return plans


@dataclass(frozen=True)
class Write:
    """What a step that will run is going to write: a day of a table."""

    table: str
    day: date
    step: str
    night: date


def writes(workspace: Workspace, step: str, night: date) -> list[Write]:
    """What other nights may read of a step's output."""
    tomorrow = night + timedelta(days=1)
    still_open = nights_between(night - timedelta(days=workspace.dataset.maturity_days), night)
    attributes = [(f"attributes_{name}", night) for name in workspace.dataset.attributes]
    written: dict[str, list[tuple[str, date]]] = {
        "ingest": [("impressions", night), ("clicks", night), ("candidates", tomorrow), *attributes],
        "features": [("daily_counts", night)],
        "score": [("predictions", tomorrow)],
        "evaluate": [("quality", day) for day in still_open],
        "monitor": [("decisions", night)],
        TRAIN: [("promotions", night), ("trainings", night)],
    }
    return [Write(table, day, step, night) for table, day in written.get(step, [])]


@dataclass
class View:
    """What is known of a span of nights. Made anew, or told to look again, after something ran."""

    workspace: Workspace
    first: date
    last: date
    records: Mapping[tuple[date, str], Mapping[str, Any]] = field(default_factory=dict)
    landings: Mapping[date, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    decisions: Mapping[date, Mapping[str, Any]] = field(default_factory=dict)
    trainings: Mapping[date, Mapping[str, Any]] = field(default_factory=dict)
    kept: Mapping[str, date] = field(default_factory=dict)

    @classmethod
    def of(cls, workspace: Workspace, first: date, last: date) -> View:
        """What a workspace knows now of the nights from `first` to `last`."""
        view = cls(workspace, first, last)
        view.look()
        return view

    def look(self) -> None:
        """Read the tables that tell what has run."""
        from pyiceberg.expressions import EqualTo

        self.records = {(row["dt"], row["step"]): json.loads(row["detail"]) for row in self._rows("runs")}
        landings: dict[date, dict[str, list[str]]] = {}
        for row in [*self._rows("landings"), *self.workspace.store.rows("landings", EqualTo("dt", ALWAYS))]:
            landings.setdefault(row["dt"], {})[row["source"]] = json.loads(row["files"])
        self.landings = landings
        self.decisions = {row["dt"]: row for row in self._rows("decisions")}
        self.kept = first_kept(self.workspace)
        self.trainings = by_night(trainings(self.workspace, between(self.first, self.last)))

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return self.workspace.store.rows(table, between(self.first, self.last))

    def decision(self, night: date) -> dict[str, Any]:
        """Cause and reasons of a night's decision."""
        row = self.decisions[night]
        return {"cause": row["cause"], "reasons": json.loads(row["reasons"])}

    def asked_for_training(self, night: date) -> bool:
        """Whether the night's decision was to retrain."""
        return night in self.decisions and self.decisions[night]["verdict"] == RETRAIN


def step_plan(view: View, step: str, night: date, ahead: Iterable[Write] = ()) -> StepPlan:
    """The state of one step. `ahead` is what steps before it are going to write."""
    if step == TRAIN:
        return _training_plan(view, night, ahead)
    record = view.records.get((night, step))
    gone = lost(view.workspace, step, night, view.kept)
    if gone:  # what was done can no longer be compared, and what was not can no longer be done
        return StepPlan(step, "done") if record is not None else StepPlan(step, "blocked", (gone,))
    if step == "ingest":
        return _ingest_plan(view, night, record, ahead)
    if record is None:
        return StepPlan(step, "missing", ("it has not run yet",))
    return _compared(view, step, night, record, ahead)


def _ingest_plan(view: View, night: date, record: Mapping[str, Any] | None, ahead: Iterable[Write]) -> StepPlan:
    if record is None or night not in view.landings:
        found = StepPlan("ingest", "missing", (_why_missing(view.workspace, night),))
    else:
        changed = changed_files(view, night)
        compared = _compared(view, "ingest", night, record, ahead)
        found = StepPlan("ingest", "stale", (*changed, *compared.reasons)) if changed else compared
    objection = blocked_reason(view.workspace, night) if found.due else None
    return StepPlan("ingest", "blocked", (objection,)) if objection else found


def _why_missing(workspace: Workspace, night: date) -> str:
    landed = files_of(workspace.data, workspace.dataset.impressions, night)
    return "it has not run yet" if landed else "no impression file has landed yet"


def _compared(view: View, step: str, night: date, record: Mapping[str, Any], ahead: Iterable[Write]) -> StepPlan:
    """Done, or stale: what a step read, against what is there now and what will be written."""
    if "inputs" not in record:
        return StepPlan(step, "stale", ("its record does not say what it read",))
    read = sources(view.workspace, step, night)
    reasons = [_told(name) for name in changes(record["inputs"], inputs(view.workspace, step, night))]
    reasons += [_follows(write) for write in ahead if _read_from(write, read)][:1]
    if not reasons:
        return StepPlan(step, "done")
    more = len(reasons) - REASONS_TOLD
    told = (*reasons[:REASONS_TOLD], *([f"{more} other inputs changed"] if more > 0 else []))
    return StepPlan(step, "stale", told)


def _told(name: str) -> str:
    if name == DEFINITION:
        return "the data set's description is another than the one it went by"
    if name.startswith("night "):
        return f"{name} has been taken in since"
    return f"{name} is other than what it read"


def _follows(write: Write) -> str:
    return f"it follows {write.step} of {write.night}, which will run"


def _read_from(write: Write, read: Iterable[Source]) -> bool:
    return any(source.holds(write.table, write.day) for source in read)


def changed_files(view: View, night: date) -> tuple[str, ...]:
    """Landing files that the night took in and that hold something else now.

    Of a file of all days the night's own rows count. A file, or a day in it, that is gone does not count: raw logs may
    be cleared away once they have been taken in, and running the night again could only lose their rows.
    """
    data, whole = view.workspace.data, whole_logs(view.workspace)
    reasons = []
    for source, signatures in [*view.landings.get(night, {}).items(), *view.landings.get(ALWAYS, {}).items()]:
        files = [LandingFile(data / name, name, None) for name in map(_name_of, signatures)]
        there = [file for file in files if file.path.is_file()]
        day = night + timedelta(days=1) if source == "candidates" else night
        now = whole[source].signatures(there, day) if source in whole and there else [file.signature for file in there]
        found = {_name_of(signature): signature for signature in now}
        reasons += [
            f"landing file {name} has changed since it was taken in"
            for name, signature in zip(map(_name_of, signatures), signatures, strict=True)
            if found.get(name, signature) != signature
        ]
    return tuple(dict.fromkeys(reasons))


def _name_of(signature: str) -> str:
    return signature.rsplit(":", 2)[0]


def blocked_reason(workspace: Workspace, night: date) -> str | None:
    """Why the data gate stopped the night when it was last tried; None where it let it through."""
    verdict_file = workspace.reports / "feed" / f"{night}.json"
    if not verdict_file.is_file():
        return None
    verdict = json.loads(verdict_file.read_text(encoding="utf-8"))
    critical = [failure["message"] for failure in verdict["failures"] if failure["severity"] == "critical"]
    return None if verdict["passed"] else f"the data gate stopped it: {critical[0] if critical else 'see its report'}"


def _training_plan(view: View, night: date, ahead: Iterable[Write]) -> StepPlan:
    """A training is part of a night only where the night's decision asked for it."""
    wanted, training = view.asked_for_training(night), view.trainings.get(night)
    if training is None:
        return StepPlan(TRAIN, "missing", ("the night's decision asked for it",)) if wanted else StepPlan(TRAIN, "done")
    if not decided_by_night(training):
        return StepPlan(TRAIN, "done")  # a person's own: it stays as it is
    if not wanted:
        return StepPlan(TRAIN, "stale", ("the night's decision asks for it no longer",))
    record = view.records.get((night, TRAIN))
    if record is None:
        return StepPlan(TRAIN, "missing", ("it did not come to its end",))
    if lost(view.workspace, TRAIN, night, view.kept):
        return StepPlan(TRAIN, "done")
    return _compared(view, TRAIN, night, record, ahead)


def counts_by_state(plans: Iterable[NightPlan]) -> dict[str, int]:
    """How many nights there are of each state."""
    counts = dict.fromkeys(get_args(State), 0)
    for found in plans:
        counts[found.state] += 1
    return counts
