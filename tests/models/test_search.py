from collections.abc import Callable

import pyarrow as pa
import pytest

from conf.errors import NotReady, SettingsError
from models.batches import TableBatches
from models.columns import FeatureColumns
from models.search import search_settings
from models.settings import ModelSettings

Impressions = Callable[[int, int], pa.Table]


def test_the_best_trial_is_chosen_and_never_worse_than_the_start(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    train, validation = TableBatches(impressions(1500, 1)), TableBatches(impressions(1500, 2))
    found = search_settings("xgboost", settings, columns, train, validation, trials=3)
    assert [trial.number for trial in found.trials] == [0, 1, 2]
    assert found.trials[0].parameters["eta"] == settings.boosted.eta
    assert found.ne == min(trial.ne for trial in found.trials) <= found.trials[0].ne
    best = min(found.trials, key=lambda trial: trial.ne)
    assert found.settings.boosted.max_depth == best.parameters["max_depth"]
    assert found.settings.calibration == settings.calibration


def test_the_same_seed_finds_the_same_settings(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    train, validation = TableBatches(impressions(800, 1)), TableBatches(impressions(800, 2))
    first, second = (
        search_settings("logistic_regression", settings, columns, train, validation, trials=3, seed=5) for _ in range(2)
    )
    assert first.settings == second.settings
    assert [trial.ne for trial in first.trials] == [trial.ne for trial in second.trials]


def test_time_bounds_the_number_of_trials(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    rows = TableBatches(impressions(500, 1))
    found = search_settings("logistic_regression", settings, columns, rows, rows, trials=50, seconds=1e-6)
    assert len(found.trials) == 1


def test_the_constant_has_nothing_to_search(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    rows = TableBatches(impressions(10, 1))
    with pytest.raises(SettingsError, match="constant"):
        search_settings("constant", settings, columns, rows, rows)


def test_validation_without_rows_cannot_judge(
    columns: FeatureColumns, settings: ModelSettings, impressions: Impressions
) -> None:
    train, nothing = TableBatches(impressions(500, 1)), TableBatches(impressions(1, 2).slice(0, 0))
    with pytest.raises(NotReady, match="validation"):
        search_settings("logistic_regression", settings, columns, train, nothing, trials=1)
