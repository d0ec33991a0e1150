"""What the home holds: tables, champion, nights, quality."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from conf.errors import NotReady
from jobs.champion import ModelVersion, champion_as_of
from jobs.evaluate import METRICS
from jobs.landing.waiting import waiting
from jobs.model_list import ModelFacts
from jobs.night import RETRAIN
from jobs.promotions import latest_landed
from jobs.report import blocked_rows, index_page, night_rows
from jobs.site_tables import site_tables
from jobs.step_trend import slowest_step
from jobs.trainings import version_number
from jobs.workspace import Workspace
from monitoring.pages import NightRow


def status(workspace: Workspace) -> dict[str, Any]:
    """Tables, champion, trainings and nights in plain values."""
    store = workspace.store
    tables = [vars(store.summary(name)) for name in store.specs]
    pages = site_tables(workspace)
    rows = sorted([*night_rows(workspace, pages), *blocked_rows(workspace)], key=lambda row: row.day)
    nights = [_night(row) for row in rows]
    last = max(filter(None, [latest_landed(workspace), *(row.day for row in rows)]), default=None)
    champion = champion_as_of(workspace, last) if last else None
    report = index_page(workspace)
    return {
        "dataset": workspace.dataset.name,
        "home": str(workspace.home.path),
        "tables": [table | {"latest_day": _text(table["latest_day"])} for table in tables],
        "balance": balance(workspace),
        "waiting": waiting(workspace),
        "champion": _champion(champion) if champion else None,
        "trainings": trainings(pages.models),
        "untrained": [night["day"] for night in nights if night["verdict"] == RETRAIN and not night["trained"]],
        "nights": nights,
        "slowest_step": slowest_step(workspace),
        "report": str(report) if report.is_file() else None,
    }


def _night(row: NightRow) -> dict[str, Any]:
    return {
        "day": row.day.isoformat(),
        "verdict": row.verdict,
        "cause": row.cause,
        "reasons": list(row.reasons),
        "drifted_columns": list(row.drifted_columns),
        "ne": row.ne,
        "calibration_ratio": row.calibration_ratio,
        "champion": row.champion,
        "trained": row.trained,
        "promoted": row.promoted,
    }


def _champion(champion: ModelVersion) -> dict[str, Any]:
    return {
        "model": champion.model,
        "version": champion.version,
        "promoted_on": champion.promoted_on.isoformat(),
        "trained_on": champion.trained_on.isoformat(),
        "ne": champion.ne,
    }


def balance(workspace: Workspace) -> list[dict[str, Any]]:
    """Rows landed, used, duplicate and quarantined by kind of file, over all nights."""
    sums: dict[str, dict[str, Any]] = {}
    for row in workspace.store.rows("landings"):
        total = sums.setdefault(row["source"], {"landed": 0, "used": 0, "duplicates": 0, "quarantined": 0})
        for name in total:
            total[name] += row[name]
    return [
        {
            "source": source,
            **total,
            "balanced": total["landed"] == total["used"] + total["duplicates"] + total["quarantined"],
        }
        for source, total in sorted(sums.items())
    ]


def trainings(models: Sequence[ModelFacts]) -> list[dict[str, Any]]:
    """Every training that counts: when, why, what came out and what the gate said."""
    found = []
    for facts in sorted(models, key=lambda facts: (facts.night, version_number(facts.version))):
        if facts.state != "withdrawn":
            found.append(
                {
                    "day": facts.night.isoformat(),
                    "model": facts.model,
                    "version": facts.version,
                    "promoted": facts.state in ("champion", "former"),
                    "state": facts.state,
                    "trigger": facts.trigger,
                    "ne": facts.ne,
                    "reasons": list(facts.reasons),
                    "objections": list(facts.objections),
                }
            )
    return found


def quality(workspace: Workspace) -> list[dict[str, Any]]:
    """The table `quality` by day, state, model and slice, in plain values."""
    rows = sorted(
        workspace.store.rows("quality"), key=lambda row: (row["dt"], row["state"], row["version"], row["slice"])
    )
    keys = ("model", "version", "state", "slice", *METRICS)
    return [{"day": row["dt"].isoformat()} | {key: row[key] for key in keys} for row in rows]


def _text(day: Any) -> str | None:
    return day.isoformat() if day else None


def top_predictions(workspace: Workspace, day: date, limit: int) -> list[dict[str, Any]]:
    """The `limit` predictions of a day with the highest click probability.

    Raises:
        NotReady: there are none for the day.
    """
    import pyarrow.compute as pc
    from pyiceberg.expressions import EqualTo

    rows = workspace.store.arrow("predictions", EqualTo("dt", day))
    if not rows.num_rows:
        days = workspace.store.days("predictions")
        span = f"There are some for {days[0]} to {days[-1]}." if days else "There are none at all yet."
        raise NotReady(f"No predictions for {day}. {span} They are made on the night before.")
    order = pc.sort_indices(rows, sort_keys=[("p_click", "descending"), ("pair_id", "ascending")])
    return rows.take(order[:limit]).to_pylist()
