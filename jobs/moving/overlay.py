"""The settings that go with a home: what differs from the defaults, without addresses and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conf.secret_values import is_secret_name, without_secrets
from conf.settings import Settings

OF_THE_PLACE = (
    "store.catalog_uri",
    "store.warehouse",
    "store.properties",
    "tracking.uri",
    "airflow.notify.webhook",
    "airflow.notify.smtp_connection",
)
"""Settings that belong to a machine and its services, or may hold secrets."""


def portable(settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Settings as they may be given to anybody, and the names of those left out."""
    left_out: list[str] = []
    kept = _kept(settings.model_dump(mode="json", exclude_defaults=True), "", left_out)
    return kept, left_out


def _kept(values: Mapping[str, Any], above: str, left_out: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{above}{name}"
        holds_secret = isinstance(value, str) and without_secrets(value) != value
        if path in OF_THE_PLACE or is_secret_name(name) or holds_secret:
            left_out.append(path)
        elif isinstance(value, Mapping):
            below = _kept(value, f"{path}.", left_out)
            found |= {name: below} if below else {}
        else:
            found[name] = value
    return found
