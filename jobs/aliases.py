"""MLflow's aliases: what the tables say of champion, previous and challenger, and making MLflow say the same."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.promotions import Change, champions, changes
from jobs.tracking import CHALLENGER, CHAMPION, PREVIOUS, point_aliases, reached
from jobs.trainings import Row, counted, every_training, gate_passed, removed_versions, version_number
from jobs.workspace import Workspace

ADVICE = "The tables hold the change already; run the same command again once MLflow answers."


def aliases(workspace: Workspace) -> dict[str, str]:
    """The version behind each alias, by the tables; an alias that no version has is absent."""
    return aliases_of(every_training(workspace), changes(workspace))


def aliases_of(rows: Sequence[Row], made: Sequence[Change]) -> dict[str, str]:
    """The version behind each alias, by all trainings and all changes of the champion.

    - champion: what the latest change made it.
    - previous: what a rollback would go back to.
    - challenger: of the trainings that count, the latest version since the champion's that was never champion; one to
      which the gate agreed, and which waits for a person, before one that it rejected.
    """
    line = champions(made, removed_versions(rows))
    named = dict(zip((CHAMPION, PREVIOUS), line[::-1], strict=False))
    challenger = _challenger([row for row in counted(rows) if not row["removed"]], made, line)
    return named | ({CHALLENGER: challenger} if challenger else {})


def sync_aliases(workspace: Workspace) -> dict[str, str]:
    """Make MLflow's aliases what the tables say; returns them. Doing it again changes nothing.

    Raises:
        StoreError: MLflow cannot be reached.
    """
    wanted = aliases(workspace)
    with reached(workspace, ADVICE):
        point_aliases(workspace, wanted)
    return wanted


def _challenger(standing: Sequence[Row], made: Sequence[Change], line: list[str]) -> str | None:
    once_champion = {change.version for change in made}
    since = version_number(line[-1]) if line else 0
    waiting = [
        row for row in standing if row["version"] not in once_champion and version_number(row["version"]) > since
    ]
    agreed = [row for row in waiting if gate_passed(row)]
    chosen = max(agreed or waiting, key=lambda row: version_number(row["version"]), default=None)
    return str(chosen["version"]) if chosen else None
