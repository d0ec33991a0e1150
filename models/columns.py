"""Which columns a model reads, and what each of them means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from conf.errors import SettingsError


@dataclass(frozen=True)
class FeatureColumns:
    """The feature columns of one model, by meaning. Order is part of the model: it is the order of the matrix.

    - `categorical`: ids and attributes, read as text. Null is a value of its own.
    - `numeric`: attributes, context and time of day. Null and NaN are allowed.
    - `counts`: non-negative evidence, such as the impressions and clicks of a history.
    - `rates`: smoothed click rates in 0..1.
    - `crosses`: combinations of categorical columns, used by the linear model alone.
    - `rate_evidence`: pairs (rate, count) in which the count says how far the rate can be trusted. The linear model
      gets their product; trees find it themselves.
    """

    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    rates: tuple[str, ...] = ()
    crosses: tuple[tuple[str, ...], ...] = ()
    rate_evidence: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        names = self.all
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise SettingsError(f"Feature columns named more than once: {', '.join(repeated)}. Give each one meaning.")
        for cross in self.crosses:
            if unknown := set(cross) - set(self.categorical):
                raise SettingsError(f"Cross {cross} uses {sorted(unknown)}: add them to the categorical columns.")
        for rate, count in self.rate_evidence:
            if rate not in self.rates or count not in self.counts:
                raise SettingsError(f"Rate evidence ({rate}, {count}) must name a rate column and a count column.")

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that has to be read to score a row."""
        return self.categorical + self.numeric + self.counts + self.rates

    def without(self, names: Collection[str]) -> FeatureColumns:
        """The columns that are left when some are taken away, with the crosses and evidence that need none of those."""
        plain = {
            kind: tuple(name for name in getattr(self, kind) if name not in names)
            for kind in ("categorical", "numeric", "counts", "rates")
        }
        combined = {
            kind: tuple(group for group in getattr(self, kind) if not set(group) & set(names))
            for kind in ("crosses", "rate_evidence")
        }
        return FeatureColumns(**plain, **combined)

    @property
    def measured(self) -> tuple[str, ...]:
        """The columns that hold a number."""
        return self.numeric + self.counts + self.rates

    def to_json(self) -> dict[str, Any]:
        """Plain lists, as `from_json` reads them."""
        return {
            field.name: [list(item) if isinstance(item, tuple) else item for item in getattr(self, field.name)]
            for field in fields(self)
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> FeatureColumns:
        """The columns that `to_json` wrote. Unknown keys raise SettingsError."""
        known = {field.name for field in fields(cls)}
        if unknown := set(state) - known:
            raise SettingsError(f"Unknown kinds of feature column {sorted(unknown)}; known: {sorted(known)}.")
        read: dict[str, Any] = {
            name: tuple(tuple(item) if isinstance(item, list | tuple) else item for item in items)
            for name, items in state.items()
        }
        return cls(**read)
