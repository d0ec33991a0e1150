"""A night of one of several homes that have pasts of other lengths, in this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.night import ours


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Opens the home that the side is named after; see `ours`."""
    return ours.prepared({"home": task["homes"][task["side"]], "night": task["night"]})
