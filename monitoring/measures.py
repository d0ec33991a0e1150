"""What the drift measurement found: plain values that can be stored, compared from night to night and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

ColumnKind = Literal["categorical", "numeric", "prediction"]


@dataclass(frozen=True)
class Distribution:
    """Shares of the rows by bar; each side sums to 1 over its non-missing rows (categories count missing as a bar)."""

    labels: tuple[str, ...]
    current: tuple[float, ...]
    reference: tuple[float, ...]


@dataclass(frozen=True)
class ColumnDrift:
    """One column on both sides.

    `distance` is PSI for a categorical column and the Wasserstein distance in reference standard deviations
    otherwise; None where the two sides cannot be compared. `unseen_share` is the share of current rows whose
    category does not occur in the reference. `factor` is how many times the reference's the values are, where they
    changed their size but not their shape, as a change of unit does. `note` says in words what the distance does not.
    """

    name: str
    kind: ColumnKind
    distance: float | None
    threshold: float
    drifted: bool
    missing_current: float
    missing_reference: float
    unseen_share: float | None = None
    note: str = ""
    distribution: Distribution | None = None
    factor: float | None = None

    @property
    def vanished(self) -> bool:
        """Whether the reference has values and the current side has none at all."""
        return self.missing_current == 1.0 and self.missing_reference < 1.0

    @property
    def comparable(self) -> bool:
        """Whether the column says anything: it has values in the reference, and either a distance or vanished."""
        return self.distance is not None or self.vanished

    @property
    def severity(self) -> float:
        """Distance over threshold, infinite for a column that drifted without a distance."""
        if self.distance is not None:
            return self.distance / self.threshold
        return float("inf") if self.drifted else 0.0


@dataclass(frozen=True)
class DriftMeasures:
    """One night's measures. Rows are those given, before sampling; CTRs are None where no labels were given."""

    columns: tuple[ColumnDrift, ...]
    prediction: ColumnDrift | None
    ctr_current: float | None
    ctr_reference: float | None
    rows_current: int
    rows_reference: int

    @property
    def drifted_columns(self) -> tuple[str, ...]:
        """Names of the drifted feature columns, worst first."""
        return tuple(column.name for column in self.worst() if column.drifted)

    @property
    def rescaled_columns(self) -> Mapping[str, float]:
        """By how much each column that changed its unit was multiplied."""
        return {column.name: column.factor for column in self.columns if column.factor is not None}

    @property
    def missing_columns(self) -> tuple[str, ...]:
        """Names of columns that have values in the reference and none in the current frame."""
        return tuple(column.name for column in self.columns if column.vanished) if self.rows_current else ()

    @property
    def drift_share(self) -> float | None:
        """Drifted columns / comparable columns; None where nothing could be compared."""
        comparable = [column for column in self.columns if column.comparable]
        return sum(column.drifted for column in comparable) / len(comparable) if comparable else None

    @property
    def prediction_distance(self) -> float | None:
        """Wasserstein distance of the predictions, in standard deviations of the reference's predictions."""
        return self.prediction.distance if self.prediction else None

    def worst(self, count: int | None = None) -> tuple[ColumnDrift, ...]:
        """The columns ordered by distance over threshold, largest first; at most `count` of them."""
        ordered = sorted(self.columns, key=lambda column: (-column.severity, not column.drifted, column.name))
        return tuple(ordered[:count])

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON takes, the derived figures included for readers of the stored form."""
        return asdict(self) | {
            "drift_share": self.drift_share,
            "prediction_distance": self.prediction_distance,
            "drifted_columns": list(self.drifted_columns),
            "missing_columns": list(self.missing_columns),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> DriftMeasures:
        """The inverse of `to_dict`, also after a trip through JSON."""
        prediction = content["prediction"]
        return cls(
            columns=tuple(_column_from(column) for column in content["columns"]),
            prediction=_column_from(prediction) if prediction else None,
            ctr_current=content["ctr_current"],
            ctr_reference=content["ctr_reference"],
            rows_current=content["rows_current"],
            rows_reference=content["rows_reference"],
        )


def _column_from(content: Mapping[str, Any]) -> ColumnDrift:
    if content["kind"] not in get_args(ColumnKind):
        raise ValueError(
            f"Column `{content['name']}`: unknown kind `{content['kind']}`; one of {get_args(ColumnKind)}."
        )
    bars = content["distribution"]
    drawn = Distribution(**{side: tuple(values) for side, values in bars.items()}) if bars else None
    return ColumnDrift(**{**content, "distribution": drawn})
