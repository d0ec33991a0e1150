"""Drift distances by the real Evidently, on columns with known differences."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from conf.settings import DriftThresholds
from monitoring.drift import ColumnDrift, DriftColumns, DriftMeasures, measure_drift, psi_of_shares

os.environ.setdefault("DO_NOT_TRACK", "true")

ROWS = 2000
THRESHOLDS = DriftThresholds()
COLUMNS = DriftColumns(
    categorical=("same", "moved", "new_ids", "gone", "absent", "never", "counted", "fresh"),
    numeric=("still", "shifted", "thinned", "tiny", "emptied", "nullable"),
)


def frame(is_current: bool) -> pd.DataFrame:
    """Columns named for what happens to them between the reference and the current side."""
    draw = np.random.default_rng(2 if is_current else 1)
    columns = {
        "same": draw.choice(["a", "b", "c"], ROWS),
        "moved": draw.choice(["a", "b"], ROWS, p=[0.2, 0.8] if is_current else [0.8, 0.2]),
        "new_ids": [f"{'new' if is_current else 'old'}{number}" for number in draw.integers(0, 900, ROWS)],
        "gone": np.full(ROWS, None) if is_current else draw.choice(["a", "b"], ROWS),
        "never": np.full(ROWS, None),
        "counted": np.where(draw.random(ROWS) < 0.1, np.nan, 3.0) if is_current else np.full(ROWS, 3),
        "fresh": draw.choice(["a", "b"], ROWS) if is_current else np.full(ROWS, None),
        "still": draw.normal(0, 1, ROWS),
        "shifted": draw.normal(0.5 if is_current else 0.0, 1, ROWS),
        "thinned": np.where(draw.random(ROWS) < (0.4 if is_current else 0.01), np.inf, draw.normal(0, 1, ROWS)),
        "tiny": draw.normal(5e-5 if is_current else 0.0, 1e-4, ROWS),
        "emptied": np.full(ROWS, np.nan) if is_current else draw.normal(0, 1, ROWS),
        "nullable": pd.array(draw.integers(0, 9, ROWS), dtype="UInt8"),
        "p_click": draw.beta(2, 30, ROWS),
        "clicked": np.arange(ROWS) % (20 if is_current else 10) == 0,
    }
    return pd.DataFrame(columns if is_current else columns | {"absent": draw.choice(["a", "b"], ROWS)})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("night")


@pytest.fixture(scope="module")
def measures(folder: Path) -> DriftMeasures:
    page, figures = folder / "deep" / "drift.html", folder / "drift.json"
    return measure_drift(frame(True), frame(False), COLUMNS, THRESHOLDS, html=page, json_file=figures)


def column(measures: DriftMeasures, name: str) -> ColumnDrift:
    return next(column for column in measures.columns if column.name == name)


@pytest.mark.parametrize("name", ["same", "still", "nullable"])
def test_a_column_from_the_same_source_has_not_drifted(measures: DriftMeasures, name: str) -> None:
    found = column(measures, name)
    assert not found.drifted
    assert found.distance is not None and found.distance < 0.1


def test_the_distance_of_moved_categories_is_their_psi(measures: DriftMeasures) -> None:
    now = (frame(True)["moved"] == "a").mean()
    then = (frame(False)["moved"] == "a").mean()
    assert column(measures, "moved").distance == pytest.approx(psi_of_shares(now, then))
    assert column(measures, "moved").drifted


def test_the_distance_of_shifted_numbers_is_in_reference_deviations(measures: DriftMeasures) -> None:
    assert column(measures, "shifted").distance == pytest.approx(0.5, abs=0.08)


def test_a_tiny_deviation_is_normalised_like_any_other(measures: DriftMeasures) -> None:
    assert column(measures, "tiny").distance == pytest.approx(0.5, abs=0.08)
    assert column(measures, "tiny").drifted


def test_ids_that_all_changed_are_drift_and_unseen(measures: DriftMeasures) -> None:
    assert column(measures, "new_ids").drifted
    assert column(measures, "new_ids").unseen_share == 1.0


def test_evidently_never_gets_more_categories_than_the_fold_keeps(folder: Path, measures: DriftMeasures) -> None:
    page = (folder / "deep" / "drift.html").read_text(encoding="utf-8")
    assert 0 < len(set(re.findall(r"\bold\d+\b", page))) <= 20


@pytest.mark.parametrize("name", ["gone", "absent", "emptied"])
def test_a_column_without_any_value_now_is_missing_and_drifted(measures: DriftMeasures, name: str) -> None:
    found = column(measures, name)
    assert found.drifted and found.distance is None and found.missing_current == 1.0
    assert found.note.startswith("missing")
    assert name in measures.missing_columns


@pytest.mark.parametrize("name", ["never", "fresh"])
def test_a_column_without_a_reference_says_nothing(measures: DriftMeasures, name: str) -> None:
    found = column(measures, name)
    assert not found.drifted and not found.comparable and name not in measures.missing_columns


def test_a_column_that_loses_many_values_drifts_though_the_rest_look_the_same(measures: DriftMeasures) -> None:
    found = column(measures, "thinned")
    assert found.distance is not None and found.distance < THRESHOLDS.wasserstein
    assert found.drifted and "missing" in found.note


def test_a_null_among_integers_does_not_make_new_categories(measures: DriftMeasures) -> None:
    assert column(measures, "counted").unseen_share == 0.0


def test_the_share_counts_only_columns_that_can_be_compared(measures: DriftMeasures) -> None:
    drifted = {"moved", "new_ids", "gone", "absent", "counted", "shifted", "thinned", "tiny", "emptied"}
    assert set(measures.drifted_columns) == drifted
    assert measures.drift_share == pytest.approx(len(drifted) / 12)


def test_predictions_and_clicks_are_measured_apart_from_the_columns(measures: DriftMeasures) -> None:
    assert measures.prediction_distance is not None and measures.prediction_distance < 0.1
    assert (measures.ctr_current, measures.ctr_reference) == (0.05, 0.1)


def test_the_measures_survive_a_trip_through_json(measures: DriftMeasures) -> None:
    assert DriftMeasures.from_dict(json.loads(json.dumps(measures.to_dict()))) == measures


def test_the_bars_of_each_side_sum_to_one(measures: DriftMeasures) -> None:
    for found in measures.columns:
        if found.distribution:
            assert sum(found.distribution.current) == pytest.approx(1.0)
            assert sum(found.distribution.reference) == pytest.approx(1.0)


def test_evidently_writes_a_page_that_loads_nothing_and_its_figures(folder: Path, measures: DriftMeasures) -> None:
    page = (folder / "deep" / "drift.html").read_text(encoding="utf-8")
    assert "<script src=" not in page and '<link rel="stylesheet" href="http' not in page
    figures = json.loads((folder / "drift.json").read_text(encoding="utf-8"))["metrics"]
    assert {metric["config"]["column"] for metric in figures} >= {"moved", "shifted", "p_click"}


@pytest.mark.parametrize(("threshold_factor", "drifted"), [(1.001, False), (1.0, True), (0.999, True)])
def test_a_distance_counts_from_its_threshold_on(
    measures: DriftMeasures, threshold_factor: float, drifted: bool
) -> None:
    distance = column(measures, "shifted").distance
    assert distance is not None
    thresholds = THRESHOLDS.model_copy(update={"wasserstein": distance * threshold_factor})
    only = DriftColumns(categorical=(), numeric=("shifted",))
    again = measure_drift(frame(True), frame(False), only, thresholds, html=None, json_file=None)
    assert column(again, "shifted").drifted is drifted


def test_large_frames_are_sampled_the_same_way_each_time() -> None:
    few = THRESHOLDS.model_copy(update={"sample_rows": 300})
    only = DriftColumns(categorical=(), numeric=("shifted",))
    runs = [measure_drift(frame(True), frame(False), only, few, html=None, json_file=None) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0].rows_current == ROWS


def test_a_night_without_rows_is_measured_as_nothing_rather_than_failing(tmp_path: Path) -> None:
    empty = frame(True).iloc[:0]
    found = measure_drift(empty, frame(False), COLUMNS, THRESHOLDS, html=tmp_path / "x.html", json_file=None)
    assert (found.rows_current, found.ctr_current, found.missing_columns) == (0, None, ())
    assert not (tmp_path / "x.html").exists()


def test_labels_and_predictions_may_be_absent() -> None:
    only = DriftColumns(categorical=("same",), numeric=())
    bare = frame(True)[["same"]]
    found = measure_drift(bare, frame(False), only, THRESHOLDS, html=None, json_file=None)
    assert (found.ctr_current, found.ctr_reference, found.prediction) == (None, 0.1, None)


def test_the_package_is_light_until_it_measures() -> None:
    code = (
        "import sys, monitoring.drift, monitoring.site; print([m for m in sys.modules if m in ('evidently', 'plotly')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
