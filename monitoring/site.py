"""The report site: static pages that work offline, one folder a night and an index over all nights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from conf.settings import DriftThresholds
from conf.whole_files import write_whole
from monitoring.cards import MOST_SLICES, ModelCard, ModelRow, ModelState, card_file, drawn_slices, pictures
from monitoring.charts import FRAME, Event, Series, Spell, TrendChart, distribution_chart, trend_chart
from monitoring.decision import Cause, Verdict
from monitoring.measures import ColumnDrift
from monitoring.model_charts import CURVE, LABELS, Bounds
from monitoring.pages import Link, NightPage, NightRow, SliceQuality, StepTiming, TableCount
from monitoring.quality import known
from monitoring.signals import named

__all__ = [
    "Link",
    "NightPage",
    "NightRow",
    "SliceQuality",
    "StepTiming",
    "TableCount",
    "night_folder",
    "write_card",
    "write_index",
    "write_night_page",
]

DRAWN_COLUMNS = 8
UNKNOWN = "\N{EN DASH}"

HEADLINES: dict[Verdict, str] = {
    "ok": "The model can be trusted",
    "watch": "The model can be used, with a warning",
    "retrain": "The model is to be retrained",
    "wait": "A retraining is wanted and has to wait",
    "blocked": "The night is blocked: a person has to look",
}
SYMBOLS: dict[Verdict, str] = {"ok": "✓", "watch": "!", "retrain": "↻", "wait": "…", "blocked": "✕"}
CAUSES: dict[Cause, str] = {
    "none": "nothing unusual",
    "broken_input": "broken input",
    "shift": "shifted data",
    "decay": "decayed quality",
    "new_ads": "a wave of new ads",
    "no_champion": "no champion yet",
    "too_few_labels": "too few final labels",
    "too_few_impressions": "too few impressions",
    "cooldown": "a training has just been",
    "transition": "a champion trained amid a change",
    "stale_champion": "the champion is old",
}


STATES: dict[ModelState, str] = {
    "champion": "champion",
    "former": "was champion",
    "waiting": "waits for a person",
    "passed": "passed",
    "rejected": "rejected",
    "withdrawn": "withdrawn",
}
STATE_MARKS: dict[ModelState, str] = {
    "champion": "✓",
    "former": "○",
    "waiting": "…",
    "passed": "○",
    "rejected": "✕",
    "withdrawn": "○",
}
STATE_TONES: dict[ModelState, Verdict] = {
    "champion": "ok",
    "former": "wait",
    "waiting": "retrain",
    "passed": "wait",
    "rejected": "watch",
    "withdrawn": "wait",
}


def night_folder(folder: Path, day: date) -> Path:
    """Where a night's page lies, and Evidently's page beside it."""
    return folder / day.isoformat()


def write_night_page(folder: Path, page: NightPage) -> Path:
    """Write one night's page below `folder`, the root of the site, and return its file."""
    columns = (*_prediction(page), *page.drift.worst()) if page.drift else ()
    drawn = [column for column in columns if column.distribution][:DRAWN_COLUMNS]
    content = (
        _environment()
        .get_template("night.html")
        .render(
            page=page,
            columns=columns,
            charts=[(column, distribution_chart(column)) for column in drawn],
            seconds=sum(timing.seconds for timing in page.timings),
        )
    )
    return write_whole(night_folder(folder, page.day) / "index.html", content)


def write_card(folder: Path, card: ModelCard) -> Path:
    """Write one version's card below `folder`, the root of the site, and return its file."""
    return write_whole(card_file(folder, card.version), rendered_card(card))


def rendered_card(card: ModelCard) -> str:
    """One version's card as a page that stands alone."""
    return (
        _environment()
        .get_template("card.html")
        .render(
            card=card,
            pictures=pictures(card),
            slices=drawn_slices(card),
            hidden_slices=max(0, len(card.slices) - 1 - MOST_SLICES),
        )
    )


def write_index(
    folder: Path,
    rows: Sequence[NightRow],
    title: str = "CTR pipeline",
    *,
    models: Sequence[ModelRow] = (),
    limits: DriftThresholds | None = None,
    links: Sequence[Link] = (),
) -> Path:
    """Write the index over all nights, in any order, and return its file.

    `models` are listed in the order given; `limits` are drawn into the charts.
    """
    nights = sorted(rows, key=lambda row: row.day)
    content = (
        _environment()
        .get_template("index.html")
        .render(
            title=title,
            latest=nights[-1] if nights else None,
            rows=nights[::-1],
            models=tuple(models),
            charts=[chart for chart in trend_charts(nights, limits) if chart] if nights else [],
            links=tuple(links),
        )
    )
    return write_whole(folder / "index.html", content)


def trend_charts(nights: Sequence[NightRow], limits: DriftThresholds | None) -> list[TrendChart | None]:
    """The index's charts over ascending nights: NE, calibration, CTR and share of drifted columns."""
    days = [night.day for night in nights]
    events = [event for night in nights if (event := _event(night))]
    drift = drift_spells(nights)
    ne = [
        Series("promised", tuple(night.ne_promised for night in nights), "promised"),
        Series("provisional", tuple(night.ne_provisional for night in nights), "second"),
        Series("final", tuple(night.ne_final for night in nights)),
    ]
    calibration = [Series("predicted / observed", tuple(night.calibration_ratio for night in nights))]
    ctr = [
        Series("reference", tuple(night.ctr_reference for night in nights), "promised"),
        Series("seen", tuple(night.ctr for night in nights)),
    ]
    share = [Series("drifted columns", tuple(night.drift_share for night in nights))]
    calibrated = (limits.calibration_low, limits.calibration_high) if limits else ()
    shared = (limits.share_of_columns,) if limits else ()
    return [
        trend_chart("NE, smaller is better", days, ne, events=events, drift=drift),
        trend_chart("Calibration ratio, 1 is right", days, calibration, limits=calibrated, events=events, drift=drift),
        trend_chart("CTR", days, ctr, events=events, drift=drift, percent=True),
        trend_chart("Share of drifted columns", days, share, limits=shared, events=events, drift=drift, percent=True),
    ]


def drift_spells(nights: Sequence[NightRow]) -> list[Spell]:
    """Nights in a row that belong to drift or decay, over ascending nights."""
    grouped = ((drifting, list(spell)) for drifting, spell in groupby(nights, key=lambda night: night.drifting))
    return [Spell(spell[0].day, spell[-1].day) for drifting, spell in grouped if drifting]


def _event(night: NightRow) -> Event | None:
    if night.verdict == "blocked":
        return Event(night.day, "blocked")
    if night.rolled_back:
        return Event(night.day, "rolled back")
    if night.promoted:
        return Event(night.day, "promoted")
    return Event(night.day, "trained") if night.trained else None


def _prediction(page: NightPage) -> tuple[ColumnDrift, ...]:
    return (page.drift.prediction,) if page.drift and page.drift.prediction else ()


@cache
def _environment() -> Environment:
    """One a process: a template is compiled once, not once a page."""
    environment = Environment(
        loader=PackageLoader("monitoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=_number, percent=_percent, change=_change, count=_count, named=named, bounds=_bounds
    )
    environment.globals.update(
        frame=FRAME,
        headlines=HEADLINES,
        symbols=SYMBOLS,
        causes=CAUSES,
        curve_frame=CURVE,
        bar_labels=LABELS,
        states=STATES,
        marks=STATE_MARKS,
        tones=STATE_TONES,
    )
    return environment


def _number(value: float | None, digits: int = 3) -> str:
    return UNKNOWN if known(value) is None else f"{value:.{digits}f}"


def _bounds(bounds: Bounds | None, digits: int) -> str:
    return "" if bounds is None else f"{bounds[0]:.{digits}f} to {bounds[1]:.{digits}f}"


def _percent(value: float | None, digits: int = 1) -> str:
    return UNKNOWN if known(value) is None else f"{value:.{digits}%}"


def _change(value: float | None) -> str:
    return "" if value is None else f"{value:+.1%}"


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"
