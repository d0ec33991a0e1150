"""Nights with a progress display on the terminal."""

from __future__ import annotations

import time
from datetime import date
from functools import partial
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from conf.errors import FeedBlocked, NothingLanded
from jobs.catch_up import catch_up
from jobs.night import STEPS, nights_between, run_night
from jobs.outcomes import training_outcome
from jobs.step import StepResult
from jobs.terminal import Console
from jobs.workspace import Workspace

POSTPONED = "training postponed"


def _display(console: Console, quiet: bool) -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, disable=quiet, transient=True)


def night_progress(workspace: Workspace, night: date, *, quiet: bool) -> list[StepResult]:
    """Run one night; tell of each step as it ends."""
    console = Console(quiet=quiet, highlight=False)
    results = []
    with _display(console, quiet) as progress:
        task = progress.add_task(str(night), total=len(STEPS))
        started = time.perf_counter()
        for result in run_night(workspace, night, lambda step: progress.update(task, description=f"{night} {step}")):
            results.append(result)
            progress.advance(task)
            rows = ", ".join(f"{table} {count:,}" for table, count in list(result.rows.items())[:4])
            console.print(f"{night}  {result.step:<9} {time.perf_counter() - started:6.1f} s  {rows}")
            if "postponed" in result.detail:
                console.print(f"{POSTPONED}: {escape(str(result.detail['postponed']))}", style="yellow")
            started = time.perf_counter()
    return results


def replay_progress(workspace: Workspace, start: date, end: date, *, again: bool, quiet: bool) -> dict[str, Any]:
    """Run what is missing or stale of some nights, one line each; a blocked or empty night is told and left behind.

    Raises:
        NothingLanded: none of the nights could run, because nothing has landed for any of them.
    """
    console = Console(quiet=quiet, highlight=False)
    wanted = nights_between(start, end)
    summary: dict[str, Any] = {"run": [], "skipped": [], "blocked": [], "empty": []}
    with _display(console, quiet) as progress:
        task = progress.add_task("nights", total=len(wanted))
        for night in wanted:
            started = time.perf_counter()
            try:
                announce = partial(_describe, progress, task, night)
                results = list(catch_up(workspace, night, announce, again=again))
                summary["run" if results else "skipped"].append(str(night))
                if results:
                    console.print(_night_line(night, results, time.perf_counter() - started))
            except FeedBlocked as error:
                summary["blocked"].append(str(night))
                console.print(f"{night}  blocked: {escape(str(error))}", style="red")
            except NothingLanded as error:
                summary["empty"].append(str(night))
                if len(summary["empty"]) == len(wanted):
                    raise
                console.print(f"{night}  nothing landed: {escape(str(error))}", style="yellow")
            progress.advance(task)
    if summary["skipped"]:
        done = f"{len(summary['skipped'])} of {len(wanted)} nights were done and up to date"
        console.print(f"{done}; --again runs them anew.")
    return summary


def _describe(progress: Progress, task: TaskID, night: date, step: str) -> None:
    progress.update(task, description=f"{night} {step:<9}")


def _night_line(night: date, results: list[StepResult], seconds: float) -> str:
    by_step = {result.step: result for result in results}
    done = "only " + ", ".join(by_step)
    if "ingest" in by_step:
        done = f"{by_step['ingest'].rows['impressions']:>9,} impressions"
    line = f"{night}  {done}  {seconds:5.1f} s"
    if "monitor" in by_step:
        told = by_step["monitor"].detail
        line += f"  {told['verdict']}" if told["cause"] == "none" else f"  {told['verdict']}: {told['cause']}"
    if "train" in by_step:
        trained = by_step["train"].detail
        if "postponed" in trained:
            return f"{line} -> {POSTPONED}: {trained['postponed']}"
        line += f" -> {training_outcome(trained)}"
    return line
