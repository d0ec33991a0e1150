"""A person's change of the champion: promote a version, or roll back to the previous one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from conf.errors import NotReady, SettingsError
from jobs.aliases import sync_aliases
from jobs.champion import bundle_folder
from jobs.model_cards import publish_cards
from jobs.night import score_unserved
from jobs.promotions import Action, Change, champions, changes, latest_landed, now, record_change
from jobs.report import refresh_site
from jobs.tracking import reached, require_version, tag_of, tag_version, untag_version
from jobs.trainings import every_training, gate_passed, objections, removed_versions, require_model, training_of
from jobs.workspace import Workspace

UNDER_WAY = "change_under_way"
"""Tag of a version from before its change is recorded until all that follows is done: when the change was made."""
NOTHING_CHANGED = "Nothing was changed; try again once MLflow answers."


@dataclass(frozen=True)
class Outcome:
    """What a change came to. `change` is None where the version was champion already, `rescored` where no day that has
    been scored is yet to be served."""

    version: str
    model: str
    change: Change | None
    rescored: date | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        change = self.change
        return {
            "version": self.version,
            "model": self.model,
            "changed": change is not None,
            "previous": change.previous if change else None,
            "as_of": change.night.isoformat() if change else None,
            "by": change.by if change else None,
            "reason": change.reason if change else None,
            "forced": change.forced if change else False,
            "rescored": self.rescored.isoformat() if self.rescored else None,
        }


def promote(
    workspace: Workspace, version: str, reason: str, *, by: str, as_of: date | None = None, force: bool = False
) -> Outcome:
    """Make a version champion, as of a night (default: the latest that has landed).

    The predictions for days that have landed stay as they were served. A version that is champion already is left so,
    but aliases and predictions are brought up to date, so that a change which was interrupted can be done again.

    Raises:
        SettingsError: no such version, one that the gate rejected and no `force`, or a night that cannot be.
        NotReady: the version's model is kept no more.
        StoreError: MLflow cannot be reached or lacks the version; nothing was changed.
    """
    training = training_of(workspace, version)
    line = champions(changes(workspace))
    if line[-1:] == [version]:
        return _finished(workspace, training, None)
    forced = not _agreed(training, force)
    night = _night(workspace, as_of)
    change = _change(workspace, training, "promote", reason, by, night, forced=forced)
    return _finished(workspace, training, change)


def rollback(workspace: Workspace, reason: str, *, by: str) -> Outcome:
    """Make the previous champion champion again, as of the latest night that has landed.

    Raises:
        NotReady: there is no previous champion.
        StoreError: MLflow cannot be reached or lacks the version; nothing was changed.
    """
    made = changes(workspace)
    line = champions(made, removed_versions(every_training(workspace)))
    if made and made[-1].action == "rollback" and _under_way(workspace, made[-1]):
        return _finished(workspace, training_of(workspace, line[-1]), made[-1])  # this one, and not one further back
    if len(line) < 2:
        told = "there is no champion yet"
        if line:
            which = "so far" if len(champions(made)) == 1 else "whose model is still kept"
            told = f"version {line[0]} is the only champion {which}"
        raise NotReady(f"There is nothing to roll back to: {told}.")
    training = training_of(workspace, line[-2])
    change = _change(workspace, training, "rollback", reason, by, _night(workspace, None), forced=False)
    return _finished(workspace, training, change)


def _agreed(training: dict[str, Any], force: bool) -> bool:
    """Whether nothing speaks against a version.

    Raises:
        SettingsError: something does, and it is not forced.
    """
    against = [] if gate_passed(training) else objections(training)[:1] or ["see its model card"]
    if training["withdrawn"]:
        against.append(f"its training was withdrawn when the night of {training['dt']} was run again")
    if against and not force:
        raise SettingsError(
            f"Version {training['version']} did not pass the promotion gate: {'; '.join(against)} "
            "Give --force to promote it all the same; the record will say so."
        )
    return not against


def _night(workspace: Workspace, as_of: date | None) -> date:
    """The night that a change is as of.

    Raises:
        SettingsError: a night that has not landed, or one before the latest change, which would stay in force.
    """
    landed = latest_landed(workspace)
    night = as_of or landed
    if night is None or landed is None or night > landed:
        latest = f"the latest that has is {landed}" if landed else "none has"
        raise SettingsError(f"--as-of {night}: that night has not landed; {latest}. Leave the option away.")
    latest_change = max((change.night for change in changes(workspace)), default=night)
    if night < latest_change:
        raise SettingsError(
            f"--as-of {night}: the champion was changed as of {latest_change}, after that, and nothing of today would "
            f"differ. Give {latest_change} or later, or leave the option away."
        )
    return night


def _change(
    workspace: Workspace,
    training: dict[str, Any],
    action: Action,
    reason: str,
    by: str,
    night: date,
    *,
    forced: bool,
) -> Change:
    """Record a change once all that it needs is there: MLflow with the version, and the model's files."""
    version = training["version"]
    require_model(training)
    require_version(workspace, version, NOTHING_CHANGED)
    bundle_folder(workspace, version)
    change = Change(
        night=night,
        model=training["model"],
        version=version,
        previous=next(iter(champions(changes(workspace))[-1:]), None),
        by=by,
        reason=reason,
        action=action,
        at=now(),
        forced=forced,
        served=latest_landed(workspace),
    )
    with reached(workspace, NOTHING_CHANGED):
        tag_version(workspace, version, {UNDER_WAY: _moment(change)})
    record_change(workspace, change)
    return change


def _under_way(workspace: Workspace, change: Change) -> bool:
    """Whether the command that made a change was stopped before it came to its end."""
    with reached(workspace, NOTHING_CHANGED):
        return tag_of(workspace, change.version, UNDER_WAY) == _moment(change)


def _moment(change: Change) -> str:
    return change.at.isoformat() if change.at else ""


def _finished(workspace: Workspace, training: dict[str, Any], change: Change | None) -> Outcome:
    """What follows a change, and can be done any number of times: aliases, predictions, pages."""
    version = training["version"]
    sync_aliases(workspace)
    if change is not None:
        tags = {"promoted": "True", "promoted_by": change.by, "promotion_reason": change.reason}
        with reached(workspace, "The change is done; only the version's tags are not."):
            tag_version(workspace, version, tags | ({"forced": "True"} if change.forced else {}))
    scored = score_unserved(workspace)
    publish_cards(workspace, version)
    landed = latest_landed(workspace)
    if landed:
        refresh_site(workspace, landed)
    with reached(workspace, "All is done; only the version's tag is not."):
        untag_version(workspace, version, UNDER_WAY)
    served = date.fromisoformat(scored.detail["served"]) if scored else None
    return Outcome(version, training["model"], change, served)
