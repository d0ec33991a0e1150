"""The results as one page: bars by side, with the spread of the rounds, and tables below. Works offline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from bench.sections import SECTIONS, Size

SIZES: Sequence[Size] = ("whole", "large", "quick")
TEMPLATES = Path(__file__).parent
PAGES = Path(__file__).parents[1] / "monitoring" / "templates"


@dataclass(frozen=True)
class Bar:
    """One side's figure in one task: median, least and most of the rounds, and how wide they are drawn, per cent."""

    side: str
    middle: float
    least: float
    most: float
    width: float
    least_at: float
    most_at: float
    ratio: str
    is_base: bool


@dataclass(frozen=True)
class Chart:
    """One figure of one task over the sides."""

    title: str
    unit: str
    bars: tuple[Bar, ...]


def page_of(results: Path) -> str:
    """The page for all result files of a folder."""
    files = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(results.glob("*.json"))]
    order = {section.name: (number, section) for number, section in enumerate(SECTIONS)}
    files.sort(key=lambda file: (SIZES.index(file["size"]), order[file["section"]][0]))
    parts = [(file, order[file["section"]][1], [charts_of(task) for task in file["tasks"]]) for file in files]
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, PAGES]),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("results.html").render(parts=parts)


def charts_of(task: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[Chart, ...]]:
    """A task's wall time and memory as bars, beside the task itself."""
    return task, (
        chart_of(task, "wall_s", "Wall time", "s"),
        chart_of(task, "peak_mb", "Peak memory", "MB"),
    )


def chart_of(task: Mapping[str, Any], figure: str, title: str, unit: str) -> Chart:
    """One figure by side; bars begin at 0 and share a scale."""
    by_side: dict[str, Sequence[float]] = {
        side: [run[side][figure] for run in task["runs"]] for side in (task["runs"][0] if task["runs"] else {})
    }
    widest = max((max(values) for values in by_side.values()), default=1.0)
    base, ratios = task["base"], task["ratio_to_base"]
    return Chart(
        title,
        unit,
        tuple(
            Bar(
                side,
                median(values),
                min(values),
                max(values),
                100 * median(values) / widest,
                100 * min(values) / widest,
                100 * max(values) / widest,
                "" if side == base or side not in ratios else f"{ratios[side][figure]['median']:.2f} x {base}",
                side == base,
            )
            for side, values in by_side.items()
        ),
    )
