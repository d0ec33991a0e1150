"""Trainings: a row for every registered version, kept for good. One whose night decided anew is withdrawn."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from conf.errors import NotReady, SettingsError
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

TABLE = "trainings"
BY_AIRFLOW = "drift on "
"""How the reason begins of a training that the asset of a night's drift has started, as dags/ctr_train.py writes it."""
Row = Mapping[str, Any]
Counted = TypeVar("Counted", bound=Row)


def trainings(workspace: Workspace, where: BooleanExpression | None = None) -> list[dict[str, Any]]:
    """The trainings that count, in order of their nights and versions: all but those withdrawn."""
    return counted(every_training(workspace, where))


def every_training(workspace: Workspace, where: BooleanExpression | None = None) -> list[dict[str, Any]]:
    """All trainings, those withdrawn too, in order of their nights and versions."""
    rows = workspace.store.rows(TABLE, where)
    return sorted(rows, key=lambda row: (row["dt"], version_number(row["version"])))


def counted(rows: Sequence[Counted]) -> list[Counted]:
    """Those of some trainings that count."""
    return [row for row in rows if not row["withdrawn"]]


def removed_versions(rows: Sequence[Row]) -> set[str]:
    """Those versions of some trainings whose models maintenance has removed."""
    return {row["version"] for row in rows if row["removed"]}


def require_model(training: Row) -> None:
    """Refuse to work with a model that is kept no more.

    Raises:
        NotReady: maintenance has removed it.
    """
    if training["removed"]:
        raise NotReady(
            f"The model of version {training['version']} is kept no more: maintenance removes those that have not "
            "served for `maintenance.keep_models_days`. Choose another version; `ctr models` lists them."
        )


def promised_ne(workspace: Workspace) -> dict[str, float]:
    """NE on its holdout of each version that was ever trained."""
    return {row["version"]: row["ne"] for row in every_training(workspace)}


def version_number(version: str) -> int:
    """Versions in the order in which they were registered."""
    return int(version)


def training_of(workspace: Workspace, version: str) -> dict[str, Any]:
    """The training that a version came from.

    Raises:
        SettingsError: there is no such version; the message names those there are.
    """
    rows = {row["version"]: row for row in every_training(workspace)}
    if version not in rows:
        known = f" Known: {', '.join(rows)}." if rows else " Nothing has been trained yet."
        raise SettingsError(f"There is no version {version} of {workspace.model_name}.{known}")
    return rows[version]


def keep_training(workspace: Workspace, row: Row) -> None:
    """Keep a training beside the others of its night, in place of an earlier row of its version."""
    from pyiceberg.expressions import EqualTo

    night = EqualTo("dt", row["dt"])
    with registry_lock(workspace):
        others = [known for known in workspace.store.rows(TABLE, night) if known["version"] != row["version"]]
        workspace.store.replace_rows(TABLE, night, [*others, row])


def asked_for_by(workspace: Workspace, night: date) -> list[str]:
    """The versions that a night's own decision had trained, and that count."""
    from pyiceberg.expressions import EqualTo

    return [row["version"] for row in trainings(workspace, EqualTo("dt", night)) if decided_by_night(row)]


def withdraw(workspace: Workspace, night: date) -> None:
    """Withdraw what a night's own decision had trained. The versions stay registered."""
    from pyiceberg.expressions import EqualTo

    with registry_lock(workspace):
        rows = every_training(workspace, EqualTo("dt", night))
        _mark(workspace, rows, asked_for_by(workspace, night), "withdrawn")


def let_go(workspace: Workspace, due: Callable[[Sequence[Row]], Collection[str]]) -> None:
    """Mark the models of some versions as removed, chosen of all trainings while nobody else changes the champion."""
    with registry_lock(workspace):
        rows = every_training(workspace)
        _mark(workspace, rows, due(rows), "removed")


def _mark(workspace: Workspace, rows: Sequence[dict[str, Any]], versions: Collection[str], mark: str) -> None:
    """Set a mark of some versions. `rows` are all trainings of their nights, read under the registry's lock."""
    from pyiceberg.expressions import EqualTo

    for night in sorted({row["dt"] for row in rows if row["version"] in versions}):
        of_night = [row for row in rows if row["dt"] == night]
        marked = [row | {mark: True} if row["version"] in versions else row for row in of_night]
        workspace.store.replace_rows(TABLE, EqualTo("dt", night), marked)


def ended_trainings(workspace: Workspace) -> set[str]:
    """The versions whose training, the latest of its night, came to its end."""
    from pyiceberg.expressions import EqualTo

    rows = workspace.store.rows("runs", EqualTo("step", "train"))
    return {str(json.loads(row["detail"]).get("version")) for row in rows}


@contextmanager
def registry_lock(workspace: Workspace) -> Iterator[None]:
    """One process at a time adds to a night's trainings or promotions: of two rows at once one would be lost.

    The file keeps processes of one machine apart, and those of machines that share the home on a file system with
    locks; a catalog on a server those of all machines that share the catalog.
    """
    from filelock import FileLock

    from jobs.store.catalog import locked

    workspace.home.path.mkdir(parents=True, exist_ok=True)
    with FileLock(workspace.home.registry_lock), locked(workspace.store.catalog, f"registry {workspace.dataset.name}"):
        yield


def decided_by_night(training: Row) -> bool:
    """Whether a training was asked for by its night's decision, not by a person or the weekly schedule."""
    return str(training["trigger"]).startswith(BY_AIRFLOW) or bool(asking_cause(training))


def asking_cause(training: Row) -> str:
    """The cause that a night's decision gave for asking for a training; empty where it gave none.

    It begins what asked for the training, or follows the day where Airflow's asset passed it on.
    """
    from monitoring.decision import Cause

    trigger = str(training["trigger"])
    told = trigger.partition(": ")[2] if trigger.startswith(BY_AIRFLOW) else trigger.partition(":")[0]
    return told if told in get_args(Cause) else ""


def by_night(rows: Sequence[Row]) -> dict[date, Row]:
    """One training a night: the one that its decision asked for where there is one, else the latest."""
    return {row["dt"]: row for row in sorted(rows, key=decided_by_night)}


def gate_passed(training: Row) -> bool:
    """Whether the promotion gate agreed to the version."""
    return bool(json.loads(training["verdict"])["promote"])


def objections(training: Row) -> list[str]:
    """What the promotion gate had against the version, in sentences."""
    return [check["sentence"] for check in json.loads(training["verdict"])["checks"] if not check["passed"]]
