"""Writing the landing folders of the simulated ad server, and the truth beside them.

`<landing>/YYYY-MM-DD/` holds what arrived during that day: impressions.csv, clicks.jsonl, and as of its end
ads.parquet, users.parquet and candidates.parquet (the pairs to be scored for the day after). The truth,
`<truth>/YYYY-MM-DD.parquet`, has the click probability of every impression shown on the day, arrived or not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from conf.errors import SettingsError
from conf.whole_files import in_place_of
from simulation.records import (
    ads_table,
    candidates_table,
    click_lines,
    impression_lines,
    truth_table,
    users_table,
)
from simulation.scenarios import Scenario
from simulation.settings import WorldSettings
from simulation.world import FIRST_DAY, World


@dataclass(frozen=True, slots=True)
class SimulationSummary:
    """Rows written, of each kind. Repeated, late and broken rows are among the impressions and clicks."""

    days: int = 0
    impressions: int = 0
    clicks: int = 0
    ads: int = 0
    users: int = 0
    candidates: int = 0
    truth: int = 0
    repeated_rows: int = 0
    late_rows: int = 0
    broken_rows: int = 0

    def __add__(self, other: SimulationSummary) -> SimulationSummary:
        """The rows of both."""
        return SimulationSummary(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def write_days(
    landing: Path,
    truth: Path,
    settings: WorldSettings,
    scenario: Scenario,
    start: date,
    days: int,
    on_day: Callable[[date], None] | None = None,
) -> SimulationSummary:
    """Write `days` landing folders from `start` on, and the truth of the same days; call `on_day` after each.

    A folder is whole or absent, and is the same whichever other days are written. The first folder also receives what
    was late from the days before it, so some of its clicks belong to impressions that never landed.

    Raises:
        SettingsError: there is no day to write, `start` lies before the world began, or the world is too small for ads.
    """
    if days < 1:
        raise SettingsError(f"Asked to simulate {days} days; ask for at least one.")
    if start < FIRST_DAY:
        raise SettingsError(f"Asked to simulate from {start}; the simulated world begins on {FIRST_DAY}.")
    world = World(settings, scenario)
    summary = SimulationSummary()
    for day in range(start.toordinal(), start.toordinal() + days):
        summary += _write_day(world, landing, truth, day)
        if on_day is not None:
            on_day(date.fromordinal(day))
    return summary


def _write_day(world: World, landing: Path, truth: Path, day: int) -> SimulationSummary:
    name = date.fromordinal(day).isoformat()
    impressions, clicks = impression_lines(world, day), click_lines(world, day)
    tables = {
        "ads": ads_table(world, day),
        "users": users_table(world, day),
        "candidates": candidates_table(world, day),
    }
    probabilities = truth_table(world, day)

    with in_place_of(truth / f"{name}.parquet") as file:
        _write_parquet(file, probabilities)
    unfinished = landing / f".{name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    _write_lines(unfinished / "impressions.csv", impressions.lines)
    _write_lines(unfinished / "clicks.jsonl", clicks.lines)
    for kind, table in tables.items():
        _write_parquet(unfinished / f"{kind}.parquet", table)
    _replace_folder(unfinished, landing / name)
    return SimulationSummary(
        days=1,
        impressions=len(impressions.lines) - 1,
        clicks=len(clicks.lines),
        ads=len(tables["ads"]),
        users=len(tables["users"]),
        candidates=len(tables["candidates"]),
        truth=len(probabilities),
        repeated_rows=impressions.repeated + clicks.repeated,
        late_rows=impressions.late,
        broken_rows=impressions.broken + clicks.broken,
    )


def _write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _write_parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, compression="zstd")


def _replace_folder(unfinished: Path, final: Path) -> None:
    outdated = final.with_name(f".{final.name}.outdated")
    shutil.rmtree(outdated, ignore_errors=True)
    if final.exists():
        final.rename(outdated)
    unfinished.rename(final)
    shutil.rmtree(outdated, ignore_errors=True)
