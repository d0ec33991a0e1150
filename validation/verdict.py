"""What the promotion gate is given, and what it says of a challenger. Plain values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class PairedScores:
    """The same impressions scored by both models; arrays of one length.

    Raises:
        ValueError: arrays of different lengths.
    """

    clicked: np.ndarray
    challenger: np.ndarray
    champion: np.ndarray
    cluster: np.ndarray
    """Integer code of the user of each impression."""
    slices: Mapping[str, np.ndarray]
    """By slice name, the level that each impression belongs to."""

    def __post_init__(self) -> None:
        lengths = {"clicked": len(self.clicked), "challenger": len(self.challenger), "champion": len(self.champion)}
        lengths |= {"cluster": len(self.cluster)} | {f"slice {name}": len(of) for name, of in self.slices.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"Paired scores need arrays of one length; found {lengths}.")


@dataclass(frozen=True)
class Check:
    """One thing the challenger had to show, with the sentence that a person reads."""

    name: str
    passed: bool
    observed: float | None
    limit: float | str
    sentence: str


@dataclass(frozen=True)
class Difference:
    """NE of the challenger minus NE of the champion; each bound holds with `confidence`, one-sided."""

    value: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger becomes champion, and every reason. Figures are None where no comparison was possible."""

    promote: bool
    champion: str
    checks: tuple[Check, ...]
    impressions: int
    clusters: int
    ne_challenger: float | None = None
    ne_champion: float | None = None
    difference: Difference | None = None

    @property
    def objections(self) -> tuple[str, ...]:
        """The sentences of the checks that failed."""
        return tuple(check.sentence for check in self.checks if not check.passed)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "checks": [asdict(check) for check in self.checks]}
