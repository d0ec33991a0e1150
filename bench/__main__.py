"""The benchmark's command line: `python -m bench`, or `make bench` and `make bench-quick`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from bench.comparisons import Rounds
from bench.machine import machine
from bench.results_page import page_of
from bench.results_table import table_of
from bench.sections import SECTIONS, Size, run_section
from bench.sides import RESULTS
from conf.notation import names_in

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: under five minutes")] = False,
    large: Annotated[
        bool, typer.Option("--large", help="Nights of 5 and 20 million, ETL of 20 million: hours, 24 GB of memory")
    ] = False,
    only: Annotated[
        str, typer.Option(help="Sections with commas between: etl, join, training, scoring, night; and cluster")
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder of the results")] = RESULTS,
    data: Annotated[Path, typer.Option(help="Folder of generated data, kept for the next run")] = Path("var/bench"),
) -> None:
    """Measure the pipeline beside other ways to do the same work.

    Example: python -m bench --quick --only etl,scoring
    """
    known = {section.name: section for section in SECTIONS}
    chosen = names_in(only) or tuple(section.name for section in SECTIONS if section.usual)
    if unknown := [name for name in chosen if name not in known]:
        raise typer.BadParameter(f"Unknown section `{unknown[0]}`. Known: {', '.join(known)}.")
    if quick and large:
        raise typer.BadParameter("Give --quick or --large, not both.")
    size: Size = "quick" if quick else "large" if large else "whole"
    console = Console(highlight=False)
    out.mkdir(parents=True, exist_ok=True)
    data.mkdir(parents=True, exist_ok=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    for section in (known[name] for name in chosen):
        about, rounds = machine(), list[Rounds]()
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            shown = partial(_describe, progress, progress.add_task(section.name))
            for found in run_section(section, data.resolve(), size, shown):
                rounds.append(found)
                console.print(table_of(section.title, found))
        if not rounds:
            continue
        content = {
            "section": section.name,
            "size": size,
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": about,
            "tasks": [found.to_dict() for found in rounds],
        }
        (out / f"{section.name}-{size}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    page = out / "index.html"
    page.write_text(page_of(out), encoding="utf-8")
    console.print(f"Results: {out}/*.json; page: {page}")


def _describe(progress: Progress, task: TaskID, words: str) -> None:
    progress.update(task, description=words)


if __name__ == "__main__":
    app()
