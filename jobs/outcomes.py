"""What a night and a training came to, in the few words that terminals and notes share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def night_outcome(decision: Mapping[str, Any]) -> str:
    """A night's verdict and its cause, where there is one."""
    cause = decision["cause"]
    return str(decision["verdict"]) if cause == "none" else f"{decision['verdict']}, {cause.replace('_', ' ')}"


def training_outcome(training: Mapping[str, Any]) -> str:
    """The version that a training made, and what became of it."""
    became = "promoted" if training["promoted"] else "waits for a person" if training["waits"] else "not promoted"
    return f"{training['model']} v{training['version']} {became}"
