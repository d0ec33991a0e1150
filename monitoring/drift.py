"""Data drift of one night against a champion's reference, measured by Evidently with distances, never p-values.

Statistical tests call every difference drift once samples are large, so each column gets a distance instead: PSI for
categories, the Wasserstein distance in reference standard deviations for numbers. A column counts as drifted when
its distance is at or above the named threshold. This is the only module that imports Evidently, and it does so when
it measures: the import takes seconds. Set `DO_NOT_TRACK=true` before it to be sure no usage figures are sent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from conf.plain_text import in_script
from conf.settings import DriftThresholds
from conf.whole_files import in_place_of
from monitoring import column_values as values
from monitoring.measures import ColumnDrift, ColumnKind, Distribution, DriftMeasures

__all__ = ["ColumnDrift", "Distribution", "DriftColumns", "DriftMeasures", "measure_drift"]

PREDICTION = "p_click"
LABEL = "clicked"
SAMPLING_SEED = 7


@dataclass(frozen=True)
class DriftColumns:
    """The feature columns to compare, by how they are compared."""

    categorical: tuple[str, ...]
    numeric: tuple[str, ...]


@dataclass(frozen=True)
class _Pair:
    """One column of both sides: cleaned values for Evidently, and everything about it that Evidently does not say.

    `current` and `reference` are None where there is nothing to compare.
    """

    name: str
    kind: ColumnKind
    threshold: float
    missing_current: float
    missing_reference: float
    current: pd.Series | None = None
    reference: pd.Series | None = None
    unseen_share: float | None = None
    distribution: Distribution | None = None
    gone_missing: bool = False
    factor: float | None = None
    note: str = ""


def measure_drift(
    current: pd.DataFrame,
    reference: pd.DataFrame,
    columns: DriftColumns,
    thresholds: DriftThresholds,
    *,
    html: Path | None,
    json_file: Path | None,
) -> DriftMeasures:
    """Compare the night's rows with the reference's rows, column by column.

    Either frame may hold `p_click` (compared as the prediction) and `clicked` (0/1, for the CTR). Frames larger than
    `thresholds.sample_rows` are sampled, the same rows each time. A column with values in the reference and none in
    the current frame is drifted; one without values in the reference says nothing and is left out of the share.
    Evidently's page and figures are written to `html` and `json_file`, unless no column could be compared.
    """
    sampled = (_sampled(current, thresholds.sample_rows), _sampled(reference, thresholds.sample_rows))
    pairs = [
        *(_categorical_pair(name, *sampled, thresholds) for name in columns.categorical),
        *(_numeric_pair(name, *sampled, thresholds, "numeric") for name in columns.numeric),
    ]
    if PREDICTION in current and PREDICTION in reference:
        pairs.append(_numeric_pair(PREDICTION, *sampled, thresholds, "prediction"))
    distances = _evidently_distances([pair for pair in pairs if pair.current is not None], html, json_file)
    measured = [_column_drift(pair, distances.get(pair.name)) for pair in pairs]
    return DriftMeasures(
        columns=tuple(column for column in measured if column.kind != "prediction"),
        prediction=next((column for column in measured if column.kind == "prediction"), None),
        ctr_current=_ctr(current),
        ctr_reference=_ctr(reference),
        rows_current=len(current),
        rows_reference=len(reference),
    )


def _sampled(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    return frame if len(frame) <= rows else frame.sample(n=rows, random_state=SAMPLING_SEED)


def _ctr(frame: pd.DataFrame) -> float | None:
    labels = values.numeric_values(frame[LABEL]).dropna() if LABEL in frame else pd.Series(dtype="float64")
    return float(labels.mean()) if len(labels) else None


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    """The column, or nulls where the frame lacks it."""
    return frame[name] if name in frame else pd.Series([None] * len(frame), dtype=object)


def _missing_share(column: pd.Series) -> float:
    return float(column.isna().mean()) if len(column) else 1.0


def _categorical_pair(name: str, current: pd.DataFrame, reference: pd.DataFrame, thresholds: DriftThresholds) -> _Pair:
    now, then = (values.category_values(_column(current, name)), values.category_values(_column(reference, name)))
    missing = _missing_share(now), _missing_share(then)
    if 1.0 in missing:
        return _Pair(name, "categorical", thresholds.psi, *missing)
    few = values.folded(now, then)
    return _Pair(
        name,
        "categorical",
        thresholds.psi,
        *missing,
        current=few.current,
        reference=few.reference,
        unseen_share=few.unseen_share,
        distribution=values.category_bars(now, then),
        note=f"{few.unseen_share:.1%} of rows carry a category the reference lacks" if few.unseen_share else "",
    )


def _numeric_pair(
    name: str, current: pd.DataFrame, reference: pd.DataFrame, thresholds: DriftThresholds, kind: ColumnKind
) -> _Pair:
    threshold = thresholds.prediction if kind == "prediction" else thresholds.wasserstein
    now, then = (values.numeric_values(_column(current, name)), values.numeric_values(_column(reference, name)))
    missing = _missing_share(now), _missing_share(then)
    if 1.0 in missing:
        return _Pair(name, kind, threshold, *missing)
    # Wasserstein sees the values that are there; a column that loses its values drifts all the same.
    gone_missing = psi_of_shares(*missing) >= thresholds.psi
    now, then = now.dropna(), then.dropna()
    scale = values.magnification(then)
    factor = values.unit_factor(now, then, thresholds.unit_factor, thresholds.wasserstein)
    notes = [
        f"missing in {missing[0]:.1%} of rows, {missing[1]:.1%} in the reference" if gone_missing else "",
        f"Evidently's page shows the values times {scale:g}" if scale != 1.0 else "",
        "constant in the reference" if then.nunique() == 1 else "",
        f"{factor:.3g} times the reference's values, of the same shape" if factor is not None else "",
    ]
    return _Pair(
        name,
        kind,
        threshold,
        *missing,
        current=now * scale,
        reference=then * scale,
        distribution=values.numeric_bars(now, then),
        gone_missing=gone_missing,
        factor=factor,
        note="; ".join(note for note in notes if note),
    )


def psi_of_shares(current: float, reference: float) -> float:
    """Population stability index of a yes/no property held by these shares of the rows; empty cells count 0.0001."""
    cells = ((current, reference), (1 - current, 1 - reference))
    floored = ((max(now, 1e-4), max(then, 1e-4)) for now, then in cells)
    return sum((now - then) * math.log(now / then) for now, then in floored)


def _column_drift(pair: _Pair, distance: float | None) -> ColumnDrift:
    vanished = pair.missing_current == 1.0 and pair.missing_reference < 1.0
    return ColumnDrift(
        name=pair.name,
        kind=pair.kind,
        distance=distance,
        threshold=pair.threshold,
        drifted=vanished or pair.gone_missing or (distance is not None and distance >= pair.threshold),
        missing_current=pair.missing_current,
        missing_reference=pair.missing_reference,
        unseen_share=pair.unseen_share,
        factor=pair.factor,
        note=_absence(pair) or pair.note,
        distribution=pair.distribution,
    )


def _absence(pair: _Pair) -> str:
    match pair.missing_current == 1.0, pair.missing_reference == 1.0:
        case True, True:
            return "no values on either side"
        case True, False:
            return f"missing: no value at all, {pair.missing_reference:.1%} missing in the reference"
        case False, True:
            return "no values in the reference to compare with"
    return ""


def _harmless(column: pd.Series | None) -> pd.Series | None:
    """Categories that cannot end the script in which Evidently's page carries them; numbers as they are."""
    if column is None or column.dtype != object:
        return column
    return column.map({value: in_script(value) for value in column.unique()})


def _evidently_distances(pairs: list[_Pair], html: Path | None, json_file: Path | None) -> dict[str, float]:
    """Distance by column name, and Evidently's own page and figures where files are named."""
    if not pairs:
        return {}
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    categorical = [pair.name for pair in pairs if pair.kind == "categorical"]
    numeric = [pair.name for pair in pairs if pair.kind != "categorical"]
    definition = DataDefinition(categorical_columns=categorical, numerical_columns=numeric)
    methods = {pair.name: "psi" if pair.kind == "categorical" else "wasserstein" for pair in pairs}
    metrics = [ValueDrift(column=pair.name, method=methods[pair.name], threshold=pair.threshold) for pair in pairs]
    current = Dataset.from_pandas(pd.DataFrame({pair.name: _harmless(pair.current) for pair in pairs}), definition)
    reference = Dataset.from_pandas(pd.DataFrame({pair.name: _harmless(pair.reference) for pair in pairs}), definition)
    snapshot = Report(metrics, include_tests=True).run(current, reference)
    for file, write in ((html, snapshot.save_html), (json_file, snapshot.save_json)):
        if file is not None:
            with in_place_of(file) as unfinished:
                write(str(unfinished))
    return {metric["config"]["column"]: float(metric["value"]) for metric in snapshot.dict()["metrics"]}
