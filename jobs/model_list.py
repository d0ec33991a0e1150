"""Every registered version: what it is, what became of it, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from jobs.aliases import aliases_of
from jobs.promotions import BY_GATE, BY_PERSON, Change, champions, changes
from jobs.tracking import CHALLENGER
from jobs.trainings import Row, every_training, gate_passed, objections, version_number
from jobs.workspace import Workspace
from monitoring.cards import ModelState


@dataclass(frozen=True)
class ModelFacts:
    """One version. `told` says in one sentence what became of it, `trigger` why it was trained, and `reasons` all that
    the gate said."""

    version: str
    model: str
    night: date
    trained_to: date
    aliases: tuple[str, ...]
    state: ModelState
    told: str
    ne: float | None
    calibration_ratio: float | None
    passed_gate: bool
    reasons: tuple[str, ...]
    objections: tuple[str, ...]
    trigger: str
    approval: str
    promoted_by_gate: bool
    snapshot: int | None
    split: Mapping[str, Sequence[str]]

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"{self.model} v{self.version}"

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`; the snapshot as text, for it is too long for many readers' numbers."""
        texts = {"night": str(self.night), "trained_to": str(self.trained_to), "snapshot": str(self.snapshot)}
        return asdict(self) | texts


def model_list(workspace: Workspace) -> list[ModelFacts]:
    """All versions, in the order of their numbers."""
    return models_of(every_training(workspace), changes(workspace))


def models_of(rows: Sequence[dict[str, Any]], made: Sequence[Change]) -> list[ModelFacts]:
    """All versions, in the order of their numbers, by all trainings and all changes of the champion."""
    named = aliases_of(rows, made)
    return [_facts(row, named, made) for row in sorted(rows, key=lambda row: version_number(row["version"]))]


def _facts(row: Row, named: Mapping[str, str], made: Sequence[Change]) -> ModelFacts:
    state = _state(row, named, made)
    metrics = json.loads(row["metrics"] or "{}").get(row["model"], {})
    return ModelFacts(
        version=row["version"],
        model=row["model"],
        night=row["dt"],
        trained_to=row["trained_on"],
        aliases=tuple(alias for alias, version in named.items() if version == row["version"]),
        state=state,
        told=_told(row, state, made) + (" Its model is kept no more." if row["removed"] else ""),
        ne=row["ne"],
        calibration_ratio=metrics.get("holdout_calibration_ratio"),
        passed_gate=gate_passed(row),
        reasons=tuple(check["sentence"] for check in json.loads(row["verdict"])["checks"]),
        objections=tuple(objections(row)),
        trigger=row["trigger"],
        approval=row["approval"] or "gate",
        promoted_by_gate=bool(row["promoted"]),
        snapshot=row["snapshot"],
        split=json.loads(row["split"] or "{}"),
    )


def _state(row: Row, named: Mapping[str, str], made: Sequence[Change]) -> ModelState:
    version = row["version"]
    if champions(made)[-1:] == [version]:
        return "champion"
    if version in {change.version for change in made}:
        return "former"
    if row["withdrawn"]:
        return "withdrawn"
    if not gate_passed(row):
        return "rejected"
    return "waiting" if row["approval"] == BY_PERSON and named.get(CHALLENGER) == version else "passed"


def _told(row: Row, state: ModelState, made: Sequence[Change]) -> str:
    version = row["version"]
    if state == "champion":
        return f"Champion {_since(next(change for change in made[::-1] if change.version == version))}."
    if state == "former":
        return _ended(version, made)
    if state == "withdrawn":
        return "Its night was run again and decided anew."
    if state == "rejected":
        against = objections(row)
        more = f" And {len(against) - 1} more." if len(against) > 1 else ""
        return f"Rejected by the promotion gate: {against[0]}{more}" if against else "Rejected by the promotion gate."
    if state == "waiting":
        return f"The gate agreed. It waits for a person: ctr promote {version} --reason ..."
    return "The gate agreed; it was not made champion."


def _since(change: Change) -> str:
    """When, by whom and how a version became champion."""
    who = "" if change.by == BY_GATE else f" by {change.by}"
    how = {"gate": "promoted by the gate", "promote": f"promoted{who}", "rollback": f"rolled back to{who}"}
    against_gate = " against the gate" if change.forced else ""
    return f"since the night of {change.in_force}, {how[change.action]}{against_gate}"


def _ended(version: str, made: Sequence[Change]) -> str:
    """From when to when a version was champion last, and what took its place."""
    first = next(place for place, change in reversed(list(enumerate(made))) if change.version == version)
    since = made[first].in_force
    follower = next((change for change in made[first + 1 :] if change.version != version), None)
    if follower is None:
        return f"Was champion since the night of {since}."
    how = "rolled back to" if follower.action == "rollback" else "replaced by"
    if follower.in_force == since:
        return f"Was champion after the night of {since} for a while, then {how} v{follower.version}."
    return f"Was champion from the night of {since} to that of {follower.in_force}, {how} v{follower.version}."
