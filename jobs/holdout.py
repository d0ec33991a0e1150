"""What the holdout days say of a model, with intervals: overall, by slice, and the reliability curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from conf.plain_text import one_line
from jobs.training_data import clusters_of
from jobs.workspace import Workspace
from monitoring.cards import Bounds, CardSlice
from monitoring.model_charts import Reliable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

LEVEL = 0.95
GROUPS = 15
"""Groups of a reliability curve: of some hundred clicks each on a holdout of a few thousand."""


@dataclass(frozen=True)
class HoldoutFigures:
    """Everything that a model card shows of the holdout. The first slice is `all`."""

    slices: tuple[CardSlice, ...]
    reliability: tuple[Reliable, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> HoldoutFigures:
        """The inverse of `to_dict`, also after a trip through JSON."""
        return cls(
            tuple(CardSlice(**_with_tuples(row)) for row in content["slices"]),
            tuple(Reliable(**row) for row in content["reliability"]),
        )


def _with_tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def holdout_figures(workspace: Workspace, holdout: pa.Table, p: np.ndarray) -> HoldoutFigures:
    """The figures of predictions `p` for the rows of `holdout`."""
    import pandas as pd

    from features.evidence import slices_with_evidence
    from jobs.evaluate import OVERALL
    from models.metrics import most_frequent

    y = holdout["clicked"].to_numpy().astype("float64")
    cluster = pd.factorize(clusters_of(holdout))[0]
    found = [_figures(OVERALL, p, y, cluster)]
    for name, values in slices_with_evidence(holdout, workspace.dataset).items():
        texts = most_frequent(pd.Series(values).astype(str))
        for level, rows in sorted(texts.groupby(texts).indices.items(), key=_order):
            found.append(_figures(f"{name}={one_line(level)}", p[rows], y[rows], cluster[rows]))
    return HoldoutFigures(tuple(found), reliability(p, y, cluster))


def _order(level: tuple[Any, Any]) -> tuple[int, str]:
    """By text; levels of evidence from nothing to much."""
    from features.evidence import LEVELS

    text = str(level[0])
    return (LEVELS.index(text) if text in LEVELS else len(LEVELS)), text


def _figures(name: str, p: np.ndarray, y: np.ndarray, cluster: np.ndarray) -> CardSlice:
    from models.intervals import ece_interval, ne_interval
    from models.metrics import evaluation

    measured, ne, ece = evaluation(p, y), ne_interval(p, y, cluster, LEVEL), ece_interval(p, y, cluster, LEVEL)
    return CardSlice(
        slice_name=name,
        impressions=measured.impressions,
        clicks=measured.clicks,
        ctr=measured.ctr,
        ne=measured.ne,
        ne_bounds=(ne.low, ne.high) if ne else None,
        auc=measured.auc,
        calibration_ratio=measured.calibration_ratio,
        calibration_bounds=_calibration_bounds(p, y, cluster),
        ece=measured.ece,
        ece_bounds=(ece.low, ece.high) if ece else None,
    )


def _calibration_bounds(p: np.ndarray, y: np.ndarray, cluster: np.ndarray) -> Bounds | None:
    """Bounds of predicted / observed, turned round: observed / predicted has no zero below it and is nearer to normal.

    None where all of the predicted clicks are of one user, or where the bounds of what was observed reach down to zero.
    """
    from validation.cluster_error import clustered_ratio

    try:
        observed = clustered_ratio(y, p, cluster)
    except ValueError:
        return None
    reach = observed.margin(0.5 + LEVEL / 2)
    low, high = observed.value - reach, observed.value + reach
    return (1.0 / high, 1.0 / low) if low > 0.0 else None


def reliability(p: np.ndarray, y: np.ndarray, cluster: np.ndarray) -> tuple[Reliable, ...]:
    """Groups of about equal size in order of p, ties kept together; a group of a single user is left out.

    The bounds are at least as wide as those of coins of the predicted probability, since a group without a click shows
    no spread of its own.
    """
    import numpy as np

    from models.calibration import groups_of
    from validation.cluster_error import clustered_ratio, no_surer_than_coins

    group = groups_of(p, GROUPS)
    found = []
    for number in np.unique(group):
        rows = np.flatnonzero(group == number)
        if len(np.unique(cluster[rows])) < 2:
            continue
        share = clustered_ratio(y[rows], np.ones(len(rows)), cluster[rows])
        reach = no_surer_than_coins(share, p[rows]).margin(0.5 + LEVEL / 2)
        low, high = max(share.value - reach, 0.0), min(share.value + reach, 1.0)
        found.append(Reliable(float(p[rows].mean()), share.value, low, high, len(rows)))
    return tuple(found)
