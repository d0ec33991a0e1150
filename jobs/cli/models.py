"""The registered versions, and who is champion: `ctr models`, `ctr promote`, `ctr rollback`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from conf.errors import SettingsError
from jobs.cli.options import AsJson, print_json, with_workspace
from jobs.terminal import say
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from jobs.manual_change import Outcome

Reason = Annotated[str, typer.Option(help="Why, for the record")]
By = Annotated[str, typer.Option(help="Who decided, for the record; default: the user who runs this")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("models", epilog="Example: `ctr models --json`")(models)
    app.command("promote", epilog="Example: `ctr promote 3 --reason 'the rejected slice is being shut down' --force`")(
        promote
    )
    app.command("rollback", epilog="Example: `ctr rollback --reason 'too many clicks promised on stories'`")(rollback)


@with_workspace
def models(workspace: Workspace, json: AsJson = False) -> None:
    """Every registered version: what it is, how good it was on its holdout, and what became of it."""
    from jobs.model_list import model_list
    from jobs.models_display import model_facts, show_models

    found = model_list(workspace)
    if json:
        print_json([model_facts(workspace, facts) for facts in found])
    else:
        show_models(found)


@with_workspace
def promote(
    workspace: Workspace,
    version: Annotated[str, typer.Argument(help="A registered version, see `ctr models`")],
    reason: Reason,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Night that it counts from; default: the latest that has landed"),
    ] = None,
    force: Annotated[bool, typer.Option(help="Promote a version that the gate rejected; the record says so")] = False,
    by: By = "",
    json: AsJson = False,
) -> None:
    """Make a version champion, and let it score what has not been served yet."""
    from jobs.manual_change import promote as run
    from jobs.promotions import person

    as_of_day = as_of.date() if as_of else None
    number = version.removeprefix("v")
    _tell(run(workspace, number, given(reason), by=by or person(), as_of=as_of_day, force=force), json)


@with_workspace
def rollback(workspace: Workspace, reason: Reason, by: By = "", json: AsJson = False) -> None:
    """Make the previous champion champion again, and let it score what has not been served yet."""
    from jobs.manual_change import rollback as run
    from jobs.promotions import person

    _tell(run(workspace, given(reason), by=by or person()), json)


def given(reason: str) -> str:
    """The reason, if it is one.

    Raises:
        SettingsError: it is empty.
    """
    if not reason.strip():
        raise SettingsError("--reason is empty: whoever reads the record later wants to know why.")
    return reason.strip()


def _tell(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        print_json(outcome.to_dict())
        return
    name, change = f"{outcome.model} v{outcome.version}", outcome.change
    if change is None:
        say(f"{name} is champion already; nothing was changed.")
    else:
        before = f", in place of version {change.previous}" if change.previous else ""
        forced = " The gate had rejected it." if change.forced else ""
        say(f"{name} is champion as of {change.night}{before}.{forced}")
    if outcome.rescored:
        say(f"The predictions for {outcome.rescored} are its own now; those for earlier days stay as served.")
