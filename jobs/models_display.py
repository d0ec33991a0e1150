"""What a person sees of the registered versions on the terminal, and what machines get of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from jobs.model_cards import has_card, record_of
from jobs.model_list import ModelFacts
from jobs.terminal import Console
from jobs.workspace import Workspace
from monitoring.cards import card_file

STYLES = {"champion": "green", "waiting": "yellow", "rejected": "dim", "withdrawn": "dim"}
SHORT = {"logistic_regression": "logistic"}


def model_facts(workspace: Workspace, facts: ModelFacts) -> dict[str, Any]:
    """A version in plain values, with what its record holds: features, rows, sampling, code, slices."""
    card = str(card_file(workspace.reports, facts.version)) if has_card(workspace, facts.version) else None
    record = record_of(workspace, facts.version)
    found = facts.to_dict() | {"card": card}
    if record is None:
        return found
    return found | {
        "code_version": record.code_version,
        "sampling_rate": record.sampling_rate,
        "features": list(record.feature_names),
        "rows": dict(record.rows),
        "slices": record.holdout.to_dict()["slices"],
    }


def show_models(found: Sequence[ModelFacts], console: Console | None = None) -> None:
    """A line a version, and what became of it."""
    console = console or Console(highlight=False)
    if not found:
        console.print("No version yet: too few days have matured, or no night has asked for a training.")
        return
    table = Table("version", "alias", "trained to", "NE", "calib.", "gate", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in (table.columns[3], table.columns[4]):
        column.justify = "right"
    for facts in found:
        model = SHORT.get(facts.model, facts.model)
        table.add_row(
            f"{model} v{facts.version}",
            ", ".join(facts.aliases),
            str(facts.trained_to),
            _figure(facts.ne, 4),
            _figure(facts.calibration_ratio, 3),
            "passed" if facts.passed_gate else "failed",
            style=STYLES.get(facts.state),
        )
    console.print(table)
    for facts in found:
        console.print(f"[bold]v{facts.version}[/bold] of the night of {facts.night}, {escape(facts.trigger)}")
        console.print(f"    {escape(facts.told)}")


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
