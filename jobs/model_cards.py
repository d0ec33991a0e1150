"""Model cards: a page a version in the report site, and a copy of it with the version's run in MLflow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conf.plain_text import in_markdown
from jobs.evaluate import FINAL, PROVISIONAL
from jobs.model_list import ModelFacts
from jobs.model_record import RECORD, ModelRecord
from jobs.promotions import Change
from jobs.site_tables import SiteTables, site_tables
from jobs.step import scratch_folder
from jobs.workspace import Workspace
from monitoring.cards import CardChange, CardCheck, CardDay, CardPart, ModelCard, card_file
from monitoring.pages import Link
from monitoring.site import rendered_card, write_card

FEATURE_KINDS = {"categorical": "Categories", "numeric": "Numbers", "counts": "Counts", "rates": "Click rates"}
WHAT = {"gate": "promoted by the gate", "promote": "promoted", "rollback": "rolled back to"}
MODELS = {"logistic_regression": "logistic regression", "xgboost": "XGBoost", "constant": "click rate alone"}
MAIN_CHECKS = ("lower_ne", "calibration")
ADVICE = "The card is in the report site all the same."


def write_cards(workspace: Workspace, tables: SiteTables, versions: Collection[str]) -> list[Path]:
    """Write the cards of some versions; versions without a record, made by earlier code, have none."""
    return [write_card(workspace.reports, card) for card in model_cards(workspace, tables, versions)]


def publish_cards(workspace: Workspace, version: str) -> None:
    """Write all cards, and put those that a change of a version touches beside their runs in MLflow.

    There a version's tag and description lead to the site.

    Raises:
        StoreError: MLflow cannot be reached.
    """
    from jobs.tracking import keep_artifact, reached, tag_version

    tables = site_tables(workspace)
    cards = model_cards(workspace, tables)
    for card in cards:
        write_card(workspace.reports, card)
    replaced = {change.previous for change in tables.changes[-1:] if change.previous}
    touched = {version, *replaced, *(facts.version for facts in tables.models if facts.aliases)}
    with reached(workspace, ADVICE), scratch_folder(workspace.home, "card") as scratch:
        for card in [card for card in cards if card.version in touched]:
            file = scratch / "model_card.html"
            # A copy leads nowhere: its neighbours in the site are not beside it.
            file.write_text(rendered_card(replace(card, links=())), encoding="utf-8")
            keep_artifact(workspace, card.version, file)
            address = card_address(workspace, card.version)
            told = in_markdown(f"{card.told} Trained because of {card.trigger}")
            description = f"{card.label}. {told}\n\n[Model card]({address})"
            tag_version(workspace, card.version, {"model_card": address}, description)


def card_address(workspace: Workspace, version: str) -> str:
    """Where the report pages show a version's card while they are up."""
    airflow = workspace.settings.airflow
    return f"http://{airflow.host}:{airflow.reports_port}/{card_path(workspace, version)}"


def card_path(workspace: Workspace, version: str) -> str:
    """Where a version's card lies below the folder of all report sites."""
    return card_file(workspace.reports, version).relative_to(workspace.home.reports).as_posix()


def has_card(workspace: Workspace, version: str) -> bool:
    """Whether a version's card lies in the report site."""
    return card_file(workspace.reports, version).is_file()


def model_cards(workspace: Workspace, tables: SiteTables, versions: Collection[str] | None = None) -> list[ModelCard]:
    """The cards of some versions, or of all that have a record."""
    cards = []
    for facts in [facts for facts in tables.models if versions is None or facts.version in versions]:
        record = record_of(workspace, facts.version)
        if record is not None:
            of_version = [row for row in tables.quality if row["version"] == facts.version]
            cards.append(_card(workspace, facts, record, of_version, tables.changes))
    return cards


def record_of(workspace: Workspace, version: str) -> ModelRecord | None:
    """The record of a version, where the home holds it."""
    file = workspace.models / version / RECORD
    return ModelRecord.read(file) if file.is_file() else None


def _card(
    workspace: Workspace,
    facts: ModelFacts,
    record: ModelRecord,
    quality: Sequence[Mapping[str, Any]],
    made: Sequence[Change],
) -> ModelCard:
    verdict = record.verdict
    return ModelCard(
        title=f"CTR pipeline: {workspace.dataset.name}",
        version=facts.version,
        model=facts.model,
        state=facts.state,
        told=facts.told,
        night=facts.night,
        trigger=facts.trigger,
        parts=tuple(
            CardPart(part, days[0], days[-1], len(days), record.rows[part])
            for part, days in record.split.items()
            if days
        ),
        facts=_facts(workspace, record),
        features={told: record.features[kind] for kind, told in FEATURE_KINDS.items()},
        crosses=[" and ".join(cross) for cross in record.features["crosses"]],
        slices=record.holdout.slices,
        reliability=record.holdout.reliability,
        gains=record.gains,
        weights=record.weights,
        opponent=verdict["champion"],
        checks=tuple(
            CardCheck(check["sentence"], check["passed"], check["name"] in MAIN_CHECKS) for check in verdict["checks"]
        ),
        days=_days(quality),
        changes=tuple(
            CardChange(change.night, change.at, _what(change), change.by, change.reason)
            for change in made
            if facts.version in (change.version, change.previous)
        ),
        links=(Link("All nights", "../index.html"), Link(f"Night of {facts.night}", f"../{facts.night}/index.html")),
    )


def _facts(workspace: Workspace, record: ModelRecord) -> dict[str, str]:
    settings, half_life = record.settings, record.chosen.get("half_life_days", 0.0)
    learned = "training and validation days, after the choices were made" if settings["refit"] else "training days"
    facts = {
        "Members": _members(record),
        "Learned from": learned,
        "Rows without a click": "all"
        if record.sampling_rate == 1.0
        else f"{record.sampling_rate:g} of them, corrected for",
        "Forgetting": f"the weight of a day halves every {half_life:g} days" if half_life else "all days weigh alike",
        "Calibrator": "none" if settings["calibration"] == "identity" else settings["calibration"],
        "Snapshot": f"{record.snapshot} of training_examples",
        "Code version": record.code_version,
        "Promotion": "by a person" if record.approval == "person" else "by the gate",
        "Registered as": workspace.model_name,
    }
    return facts


def _members(record: ModelRecord) -> str:
    rounds = f"{record.chosen['rounds']:.0f} trees" if "rounds" in record.chosen else ""
    if record.model == "mix":
        weight = record.chosen["tree_weight"]
        return f"logistic regression with weight {1 - weight:.3g}, XGBoost of {rounds} with weight {weight:.3g}"
    name = MODELS.get(record.model, record.model)
    return f"{name} of {rounds}" if rounds else name


def _days(quality: Sequence[Mapping[str, Any]]) -> tuple[CardDay, ...]:
    found = {(row["dt"], row["state"]): row["ne"] for row in quality}
    days = sorted({day for day, _ in found})
    return tuple(CardDay(day, found.get((day, PROVISIONAL)), found.get((day, FINAL))) for day in days)


def _what(change: Change) -> str:
    forced = ", against the gate" if change.forced else ""
    before = f", in place of v{change.previous}" if change.previous else ""
    return f"v{change.version} {WHAT[change.action]}{before}{forced}"
