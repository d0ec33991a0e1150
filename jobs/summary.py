"""What a person sees on the terminal: status, quality and predictions, fitted to its width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from jobs.outcomes import night_outcome
from jobs.terminal import Console

Facts = Mapping[str, Any]

OUTCOMES = {
    "champion": "[green]promoted[/green]",
    "former": "[green]promoted[/green]",
    "waiting": "[yellow]waits for a person[/yellow]",
    "passed": "[yellow]passed the gate, not promoted[/yellow]",
    "rejected": "[yellow]rejected[/yellow]",
}
"""What became of a training, by the state of its version."""


def show_status(found: Facts, console: Console | None = None) -> None:
    """The whole state of a home on one screen."""
    console = console or Console(highlight=False)
    console.print(f"[bold]{escape(found['dataset'])}[/bold] in {escape(found['home'])}\n")
    console.print(_tables(found))
    console.print(_balance(found))
    for row in found["waiting"]:
        console.print(_waiting(row))
    _champion(console, found["champion"])
    _nights(console, found["nights"], found["trainings"])
    if found["untrained"]:
        console.print(untrained_line(found["untrained"]), style="yellow")
    if found["slowest_step"]:
        console.print(slowest_line(found["slowest_step"]))
    console.print(f"Report: {escape(found['report'])}" if found["report"] else "No report yet.")


def _tables(found: Facts) -> Table:
    table = Table("table", "rows", "latest day", box=box.SIMPLE_HEAD, title="Tables", title_justify="left")
    table.columns[1].justify = "right"
    for row in found["tables"]:
        if row["rows"]:
            table.add_row(row["table"], f"{row['rows']:,}", row["latest_day"] or "")
    return table


def _balance(found: Facts) -> Table:
    title = "Rows landed = used + duplicates + quarantined"
    table = Table(
        "landing",
        "landed",
        "used",
        "duplicates",
        "quarantined",
        "",
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
    )
    for column in table.columns[1:5]:
        column.justify = "right"
    for row in found["balance"]:
        figures = [f"{row[name]:,}" for name in ("landed", "used", "duplicates", "quarantined")]
        table.add_row(row["source"], *figures, "ok" if row["balanced"] else "[red]does not balance[/red]")
    return table


def _waiting(row: Facts) -> str:
    days = f"of {row['days'][0]} to {row['days'][1]}" if row["days"] else ""
    undated = f"{row['undated']:,} of them without a day of their own" if row["undated"] else ""
    return f"{row['rows']:,} rows of {row['source']} wait for a night: {', '.join(filter(None, (days, undated)))}."


def _champion(console: Console, champion: Facts | None) -> None:
    if champion is None:
        console.print("Champion: none yet; predictions are the smoothed click rate.")
        return
    console.print(
        f"[bold]Champion[/bold]: {champion['model']} v{champion['version']}, promoted on {champion['promoted_on']}, "
        f"trained to {champion['trained_on']}, NE {champion['ne']:.4f} on its holdout"
    )


def _nights(console: Console, nights: Sequence[Facts], trainings: Sequence[Facts]) -> None:
    telling = [night for night in nights if night["verdict"] != "ok"]
    calm = len(nights) - len(telling)
    console.print(f"\n[bold]Nights[/bold]: {len(nights)}, of which {calm} calm. The others:")
    for night in telling:
        reason = night["reasons"][0] if night["reasons"] else ""
        console.print(f"  {night['day']}  {night_outcome(night)}: {escape(reason)}", no_wrap=True, overflow="ellipsis")
    console.print("\n[bold]Trainings[/bold]:" if trainings else "\nNo training yet.")
    for training in trainings:
        outcome = OUTCOMES[training["state"]]
        console.print(
            f"  {training['day']}  {training['model']} v{training['version']} {outcome}, "
            f"NE {training['ne']:.4f}; because of {escape(training['trigger'])}"
        )
        for objection in training["objections"]:
            console.print(f"    {escape(objection)}")
    console.print()


def untrained_line(days: Sequence[str]) -> str:
    """Nights whose decision asked for a training that has not come to its end, as where MLflow did not answer."""
    return f"Asked for and not trained: {', '.join(days)}. `ctr replay --start {days[0]} --end {days[-1]}` does it."


def slowest_line(slowest: Facts) -> str:
    """The slowest step and its trend, in a line."""
    told = f"Slowest step: {slowest['step']}, {slowest['seconds']:.1f} s on {slowest['day']}"
    if slowest["change"] is None:
        return f"{told}; no earlier week to compare with."
    weeks = f"{slowest['median_seconds']:.1f} s in the last 7 nights, {slowest['median_seconds_before']:.1f} s before"
    return f"{told}; median {weeks} ({slowest['change']:+.0%})."


def show_quality(rows: Sequence[Facts], console: Console | None = None) -> None:
    """Quality by day and model."""
    console = console or Console(highlight=False)
    names = ("day", "labels", "model", "shown", "CTR", "NE", "AUC", "log loss", "calib.")
    table = Table(*names, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for column in table.columns[3:]:
        column.justify, column.no_wrap = "right", True
    for row in rows:
        figures = [_figure(row[name], digits) for name, digits in DIGITS.items()]
        model = SHORT.get(row["model"], row["model"])
        part = "" if row["slice"] == "all" else f"\n{escape(row['slice'])}"
        table.add_row(
            row["day"],
            SHORT.get(row["state"], row["state"]),
            f"{model} v{row['version']}{part}",
            f"{row['impressions']:,}",
            *figures,
        )
    console.print(table)


DIGITS = {"ctr": 3, "ne": 4, "auc": 3, "log_loss": 4, "calibration_ratio": 3}
SHORT = {"logistic_regression": "logistic", "provisional": "prov."}
"""Names that would not fit a terminal of 80 columns."""


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def show_predictions(rows: Sequence[Facts], day: date, console: Console | None = None) -> None:
    """The first predictions of a day."""
    console = console or Console(highlight=False)
    ids = [name for name in ("user_id", "ad_id") if name in rows[0]]
    title = f"Predictions for {day}, highest first"
    table = Table(*ids, "p(click)", "model", box=box.SIMPLE_HEAD, title=title, title_justify="left")
    for row in rows:
        model = f"{row['model']} v{row['version']}"
        table.add_row(*[escape(str(row[name])) for name in ids], f"{row['p_click']:.4f}", model)
    console.print(table)
