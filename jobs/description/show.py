"""A check on the terminal, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from jobs.description.check import CheckReport
from jobs.terminal import Console

MOST_COLUMNS = 16
MOST_UNREAD = 12
WIDEST = 26


def show_check(report: CheckReport, console: Console | None = None) -> None:
    """What was understood, what is wrong, what looks suspicious, and the verdict."""
    console = console or Console(highlight=False)
    for facts in report.kinds:
        _show_kind(console, facts)
    _show_log(console, report.log)
    for level, style in (("wrong", "red"), ("suspicious", "yellow")):
        for finding in report.findings:
            if finding.level == level:
                console.print(f"[{style}]{level}[/{style}]  {finding.source}: {escape(finding.text)}", soft_wrap=True)
    doubts = sum(finding.level == "suspicious" for finding in report.findings)
    if report.usable:
        console.print(
            f"{report.dataset} can be used" + (f"; look at the {doubts} suspicious point(s) first." if doubts else ".")
        )
    else:
        console.print(f"{report.dataset} cannot be used yet: correct what is wrong and check again.")


def _show_kind(console: Console, facts: Mapping[str, Any]) -> None:
    days = facts["days"]
    when = f", {days[2]} days from {days[0]} to {days[1]}" if days else ", all days in the same files"
    rows = f", {facts['rows']:,} rows read" + ("" if facts["whole"] or not facts["rows"] else " (the first)")
    told = f"{facts['files']} file{'' if facts['files'] == 1 else 's'}{when if facts['files'] else ''}{rows}"
    console.print(f"[bold]{facts['source']}[/bold]  {escape(facts['pattern'])}: {told}", soft_wrap=True)
    if facts["first"]:
        console.print(_first_rows(facts["first"]))
    if facts["unread"]:
        more = len(facts["unread"]) - MOST_UNREAD
        named = ", ".join(facts["unread"][:MOST_UNREAD]) + (f" and {more} more" if more > 0 else "")
        console.print(f"  not read: {escape(named)}", soft_wrap=True)


def _first_rows(rows: list[dict[str, Any]]) -> Table:
    """The first rows side by side, one line a column."""
    names = list(rows[0])
    titles = [f"row {number}" for number in range(1, len(rows) + 1)]
    table = Table("column", *titles, box=box.SIMPLE_HEAD, padding=(0, 1))
    for name in names[:MOST_COLUMNS]:
        table.add_row(escape(name), *[escape(_short(row[name])) for row in rows])
    if len(names) > MOST_COLUMNS:
        table.add_row("...", f"and {len(names) - MOST_COLUMNS} more")
    return table


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    return value if len(value) <= WIDEST else f"{value[: WIDEST - 1]}…"


def _show_log(console: Console, log: Mapping[str, Any]) -> None:
    if not log:
        return
    when = f"from {log['first_time']} to {log['last_time']}, {len(log['days'])} day(s) in {log['zone']}"
    console.print(f"\n{log['impressions']:,} impressions {when}", soft_wrap=True)
    if log["ctr"] is not None:
        console.print(f"{log['clicks']:,} clicks, CTR {log['ctr']:.2%}; label: {log['label']}")
    who = [f"{log[name]:,} {name}" for name in ("users", "ads") if name in log]
    console.print(f"{', '.join(who) or 'no users, no ads'}; candidates: {log['candidates']}\n")
