"""Commands that only read: status, quality, explain, predictions, report, settings."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.cli.options import AsJson, Day, as_date, print_json, with_workspace
from jobs.terminal import say
from jobs.workspace import Workspace


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("status", epilog="Example: `ctr status --json`")(status)
    app.command("quality", epilog="Example: `ctr quality --slices`")(quality)
    app.command("explain", epilog="Examples: `ctr explain --date 2026-01-13`, `ctr explain --date 2026-01-13 --json`")(
        explain
    )
    app.command("predictions", epilog="Example: `ctr predictions --date 2026-01-06 --limit 20`")(predictions)
    app.command("report", epilog="Example: `ctr report`")(report)
    app.command("settings", epilog="Example: `ctr settings --env spark`")(settings)


@with_workspace
def status(workspace: Workspace, json: AsJson = False) -> None:
    """Tables, champion, nights, trainings, and where the report is."""
    from jobs.status import status as facts
    from jobs.summary import show_status

    found = facts(workspace)
    if json:
        print_json(found)
    else:
        show_status(found)


@with_workspace
def quality(
    workspace: Workspace,
    slices: Annotated[bool, typer.Option(help="Show slices too")] = False,
    json: AsJson = False,
) -> None:
    """NE, AUC, log loss and calibration ratio by day and model, provisional and final."""
    from jobs.status import quality as rows
    from jobs.summary import show_quality

    found = rows(workspace)
    if json:
        print_json(found)
    else:
        show_quality([row for row in found if slices or row["slice"] == "all"])


@with_workspace
def explain(workspace: Workspace, date: Day, json: AsJson = False) -> None:
    """What changed since the champion's reference and since yesterday, which slices carry it, and how sure that is."""
    from jobs.explain import explain as explained
    from jobs.explain_display import explanation_lines

    found = explained(workspace, as_date(date))
    if json:
        print_json(found.to_dict())
    else:
        say("\n".join(explanation_lines(found)))


@with_workspace
def predictions(
    workspace: Workspace,
    date: Day,
    limit: Annotated[int, typer.Option(min=1, help="How many rows to print")] = 10,
    json: AsJson = False,
) -> None:
    """The predictions for a day: highest click probability first."""
    from jobs.status import top_predictions
    from jobs.summary import show_predictions

    found = top_predictions(workspace, as_date(date), limit)
    if json:
        print_json(found)
    else:
        show_predictions(found, as_date(date))


@with_workspace
def report(workspace: Workspace, json: AsJson = False) -> None:
    """Where the report site is."""
    from conf.errors import NotReady
    from jobs.report import index_page

    page = index_page(workspace)
    if not page.is_file():
        raise NotReady(f"There is no report yet in {workspace.reports}. Run a night first: `ctr night --date ...`.")
    if json:
        print_json({"report": str(page)})
    else:
        say(str(page))


@with_workspace
def settings(workspace: Workspace, json: AsJson = False) -> None:
    """The settings in force, every one of them; passwords and keys are not shown."""
    import yaml

    from conf.secret_values import shown_settings

    content = shown_settings(workspace.settings.model_dump(mode="json"))
    if json:
        print_json(content)
    else:
        say(yaml.safe_dump(content, sort_keys=False, allow_unicode=True).rstrip())
