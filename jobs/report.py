"""The report site of a data set: the night's page, and the index over all nights."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.evaluate import FINAL, OVERALL, PROVISIONAL
from jobs.feed_gate import blocked_feeds
from jobs.model_cards import has_card, write_cards
from jobs.model_list import ModelFacts, model_list
from jobs.monitor import EVIDENTLY_PAGE
from jobs.night_facts import facts_from_json
from jobs.site_tables import SiteTables, site_tables
from jobs.workspace import Workspace
from monitoring.cards import ModelRow
from monitoring.measures import DriftMeasures
from monitoring.pages import Link, NightPage, NightRow, SliceQuality, StepTiming, TableCount
from monitoring.signals import NightFacts
from monitoring.site import night_folder, write_index, write_night_page

Rows = list[dict[str, Any]]


def write_site(workspace: Workspace, night: date) -> Path:
    """Write the page of one night, the cards of its models and the index anew; returns the night's page."""
    from pyiceberg.expressions import EqualTo

    since = first_shown(workspace, night)
    tables = site_tables(workspace, since)
    decisions = workspace.store.rows("decisions", EqualTo("dt", night))
    # The cards of the versions that scored what this night has evaluated: NE by day is on them.
    first = night - timedelta(days=workspace.dataset.maturity_days)
    write_cards(workspace, tables, {row["version"] for row in tables.quality if first <= row["dt"] <= night})
    page = write_night_page(workspace.reports, night_page(workspace, decisions[0], tables.models))
    write_index(
        workspace.reports,
        [*night_rows(workspace, tables, since), *blocked_rows(workspace, since)],
        title=f"CTR pipeline: {workspace.dataset.name}",
        models=model_rows(workspace, tables.models),
        limits=workspace.settings.monitoring.drift,
    )
    return page


def first_shown(workspace: Workspace, night: date) -> date:
    """The first night that the index shows, so that neither it nor the work on it grows for ever.

    Counted from the latest night, which is `night` or after it.
    """
    from pyiceberg.expressions import GreaterThanOrEqual

    latest = max(workspace.store.days("decisions", GreaterThanOrEqual("dt", night)), default=night)
    return latest - timedelta(days=workspace.settings.monitoring.keep_reports_days)


def has_night_page(workspace: Workspace, night: date) -> bool:
    """Whether a night's page lies in the report site."""
    return (night_folder(workspace.reports, night) / "index.html").is_file()


def rewrite_night_pages(workspace: Workspace, nights: Collection[date]) -> None:
    """Write the pages of some nights anew, and nothing else, before Evidently's pages that they led to go."""
    from pyiceberg.expressions import In

    models = model_list(workspace) if nights else []
    for decision in workspace.store.rows("decisions", In("dt", nights)) if nights else []:
        page = night_page(workspace, decision, models)
        write_night_page(workspace.reports, replace(page, evidently_page=""))


def refresh_site(workspace: Workspace, night: date) -> None:
    """Write the site anew after something about a night changed; nothing to do for a night without a decision."""
    if night in workspace.store.days("decisions"):
        write_site(workspace, night)


def index_page(workspace: Workspace) -> Path:
    """Where the index of the report site lies."""
    return workspace.reports / "index.html"


def night_page(workspace: Workspace, decision: Mapping[str, Any], models: Sequence[ModelFacts]) -> NightPage:
    """Everything on the page of one night."""
    from pyiceberg.expressions import EqualTo

    night: date = decision["dt"]
    facts = facts_from_json(decision["facts"])
    drift = DriftMeasures.from_dict(json.loads(decision["drift"])) if decision["drift"] else None
    steps = workspace.store.rows("runs", EqualTo("dt", night))
    has_page = (night_folder(workspace.reports, night) / EVIDENTLY_PAGE).is_file()
    return NightPage(
        day=night,
        verdict=decision["verdict"],
        cause=decision["cause"],
        reasons=tuple(json.loads(decision["reasons"])),
        title=f"CTR pipeline: {workspace.dataset.name}",
        champion=facts.champion,
        champion_trained_on=facts.champion_trained_on,
        quality=quality_of(workspace, night, facts),
        drift=drift,
        tables=tuple(_table_counts(workspace, night)),
        timings=tuple(StepTiming(**{field.name: step[field.name] for field in fields(StepTiming)}) for step in steps),
        evidently_page=EVIDENTLY_PAGE if drift and has_page else "",
        links=card_links(workspace, models, night, facts.champion),
    )


def card_links(workspace: Workspace, models: Sequence[ModelFacts], night: date, champion: str) -> tuple[Link, ...]:
    """Links from a night's page to the cards of its champion and of what was trained on it."""
    named = [facts for facts in models if facts.label == champion or facts.night == night]
    return tuple(
        Link(f"Model card of {facts.label}", f"../models/{facts.version}.html")
        for facts in named
        if has_card(workspace, facts.version)
    )


def model_rows(workspace: Workspace, models: Sequence[ModelFacts]) -> list[ModelRow]:
    """One row a registered version for the index, newest first."""
    return [
        ModelRow(
            version=facts.version,
            model=facts.model,
            state=facts.state,
            told=facts.told,
            night=facts.night,
            trained_to=facts.trained_to,
            ne=facts.ne,
            calibration_ratio=facts.calibration_ratio,
            reason=facts.trigger,
            has_card=has_card(workspace, facts.version),
        )
        for facts in models[::-1]
    ]


def quality_of(workspace: Workspace, night: date, facts: NightFacts) -> tuple[SliceQuality, ...]:
    """Quality of the night's predictions, overall first, then by slice; final labels where they are known."""
    from pyiceberg.expressions import EqualTo

    rows = workspace.store.rows("quality", EqualTo("dt", night))
    states = {row["state"] for row in rows}
    state = FINAL if FINAL in states else PROVISIONAL
    kept = [row for row in rows if row["state"] == state]
    kept.sort(key=lambda row: (row["slice"] != OVERALL, row["slice"]))
    return tuple(
        SliceQuality(
            slice_name=row["slice"],
            impressions=row["impressions"],
            ctr=row["ctr"],
            ne=row["ne"],
            calibration_ratio=row["calibration_ratio"],
            labels=row["state"],
            ne_promised=facts.ne_promised if row["slice"] == OVERALL else None,
            day=night,
            model=f"{row['model']} v{row['version']}",
        )
        for row in kept
    )


def _table_counts(workspace: Workspace, night: date) -> list[TableCount]:
    from pyiceberg.expressions import EqualTo

    counts = []
    for row in workspace.store.rows("landings", EqualTo("dt", night)):
        note = f"used of {row['landed']:,} landed; {row['duplicates']:,} duplicates, {row['quarantined']:,} quarantined"
        counts.append(TableCount(row["source"], row["used"], note))
    return counts


def night_rows(workspace: Workspace, tables: SiteTables, since: date | None = None) -> list[NightRow]:
    """One row a night for the index, oldest first: from a day on, or all of them."""
    from pyiceberg.expressions import GreaterThanOrEqual

    where = GreaterThanOrEqual("dt", since) if since else None
    quality = {(row["dt"], row["state"]): row for row in tables.quality}
    changed = {change.in_force: change.action for change in tables.changes}
    columns = ("dt", "verdict", "cause", "reasons", "facts")
    decisions = workspace.store.arrow("decisions", where, columns=columns)
    rows = []
    for decision in decisions.sort_by("dt").to_pylist():
        day = decision["dt"]
        facts = facts_from_json(decision["facts"])
        final, provisional = quality.get((day, FINAL)), quality.get((day, PROVISIONAL))
        best: Mapping[str, Any] = final or provisional or {}
        rows.append(
            NightRow(
                day=day,
                verdict=decision["verdict"],
                cause=decision["cause"],
                reasons=tuple(json.loads(decision["reasons"])),
                drifted_columns=facts.drifted_columns,
                drift_share=facts.drift_share,
                ne_provisional=provisional["ne"] if provisional else None,
                ne_final=final["ne"] if final else None,
                ne_promised=facts.ne_promised,
                calibration_provisional=provisional["calibration_ratio"] if provisional else None,
                calibration_final=final["calibration_ratio"] if final else None,
                ctr=best.get("ctr"),
                ctr_reference=facts.ctr_reference,
                impressions=best.get("impressions"),
                champion=facts.champion,
                trained=day in tables.trained,
                promoted=changed.get(day) in ("gate", "promote"),
                rolled_back=changed.get(day) == "rollback",
                has_page=has_night_page(workspace, day),
            )
        )
    return rows


def blocked_rows(workspace: Workspace, since: date | None = None) -> list[NightRow]:
    """Nights that the data gate stopped: from a day on, or all of them."""
    return [
        NightRow(day=day, verdict="blocked", cause="broken_input", reasons=tuple(reasons), has_page=False)
        for day, reasons in blocked_feeds(workspace).items()
        if since is None or day >= since
    ]
