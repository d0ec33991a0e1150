"""Promotions: every change of the champion, by the gate or by a person, and who was champion on which night."""

from __future__ import annotations

import getpass
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

from jobs.trainings import Row, decided_by_night, gate_passed, registry_lock, require_model, training_of
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

TABLE = "promotions"
BY_GATE = "promotion gate"
BY_PERSON = "person"
"""The approval of a training whose challenger waits for a person."""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

Action = Literal["gate", "promote", "rollback"]


@dataclass(frozen=True)
class Change:
    """One change of the champion, as of a night.

    `served` is the latest landed day at that time: the predictions for the days up to it were not touched, so that for
    the nights before it the change does not count. It is None for what a night's own decision led to, which counts
    whenever that night is run.
    """

    night: date
    model: str
    version: str
    previous: str | None
    by: str
    reason: str
    action: Action = "gate"
    at: datetime | None = None
    forced: bool = False
    served: date | None = None

    @property
    def order(self) -> tuple[date, bool, datetime]:
        """Changes count in this order: of one night, what its decision led to comes before what a person did."""
        of_night = self.action == "gate" and decided_by_night({"trigger": self.reason})
        return self.night, not of_night, self.at or LONG_AGO

    @property
    def in_force(self) -> date:
        """The first night whose choice of a champion it counts for."""
        return max(self.night, self.served or self.night)


def changes(workspace: Workspace, where: BooleanExpression | None = None) -> list[Change]:
    """All changes, in the order in which they count."""
    return sorted((_change(row) for row in workspace.store.rows(TABLE, where)), key=lambda change: change.order)


def changes_as_of(workspace: Workspace, night: date) -> list[Change]:
    """The changes in force on a night, in the order in which they count."""
    from pyiceberg.expressions import LessThanOrEqual

    return [change for change in changes(workspace, LessThanOrEqual("dt", night)) if change.in_force <= night]


def champions(found: Sequence[Change], removed: Collection[str] = ()) -> list[str]:
    """The champion last, and before it those that it would be rolled back to, one after the other.

    A rollback takes the champions after its version away, so that a second one goes further back and not forth again.
    Versions whose models are `removed` are left out.
    """
    line: list[str] = []
    for change in found:
        if change.action == "rollback" and change.version in line:
            line = line[: len(line) - line[::-1].index(change.version)]
        elif line[-1:] != [change.version]:
            line.append(change.version)
    return [version for version in line if version not in removed]


def waits_for_a_person(workspace: Workspace, training: Row) -> bool:
    """Whether the gate agreed to a version, its request left the promotion to a person, and nobody has promoted it."""
    left_to_a_person = training["approval"] == BY_PERSON and gate_passed(training)
    return left_to_a_person and training["version"] not in {change.version for change in changes(workspace)}


def record_change(workspace: Workspace, change: Change) -> None:
    """Add a change to those of its night.

    Raises:
        NotReady: maintenance has removed the version's model, perhaps a moment ago.
    """
    from pyiceberg.expressions import EqualTo

    night = EqualTo("dt", change.night)
    with registry_lock(workspace):
        require_model(training_of(workspace, change.version))
        workspace.store.replace_rows(TABLE, night, [*workspace.store.rows(TABLE, night), _row(change)])


def remove_promotions(workspace: Workspace, night: date, versions: Collection[str]) -> None:
    """Take back the gate's promotions of some versions on a night. What a person did stays."""
    from pyiceberg.expressions import EqualTo

    with registry_lock(workspace):
        found = changes(workspace, EqualTo("dt", night))
        kept = [change for change in found if change.action != "gate" or change.version not in versions]
        if kept != found:
            workspace.store.replace_rows(TABLE, EqualTo("dt", night), [_row(change) for change in kept])


def latest_landed(workspace: Workspace) -> date | None:
    """The latest day whose files have been taken in: the predictions for it and the days before have been served."""
    return max(workspace.store.days("landings"), default=None)


def now() -> datetime:
    """The moment of a change, for its record alone."""
    return datetime.now(UTC)


def person() -> str:
    """Who runs this process, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user that has no name
        return f"user {os.getuid()}"


def _change(row: dict[str, Any]) -> Change:
    known = {name: row[name] for name in ("model", "version", "previous", "by", "reason", "at", "served")}
    return Change(night=row["dt"], action=row["action"] or "gate", forced=bool(row["forced"]), **known)


def _row(change: Change) -> dict[str, Any]:
    row = asdict(change)
    return {"dt": row.pop("night"), **row}
