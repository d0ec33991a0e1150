"""Trees that tasks of Apache Spark grow together, beside those that this process grows alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from conf.errors import NotReady, SettingsError
from jobs.executor_trees import fit_on_executors
from models.batches import TableBatches, all_labels
from models.boosted import BoostedModel, BoostedSettings, fit_boosted
from models.columns import FeatureColumns
from models.matrix_encoder import MatrixEncoder
from models.metrics import normalised_entropy

pytestmark = pytest.mark.spark

COLUMNS = FeatureColumns(categorical=("site",), numeric=("hour", "price"))
SETTINGS = BoostedSettings(colsample_bytree=1.0, eta=0.3, max_rounds=60, early_stopping_rounds=5, threads=1)


def impressions(rows: int, seed: int) -> TableBatches:
    """Impressions whose clicks hang on site, hour and price together."""
    random = np.random.default_rng(seed)
    site, hour, price = random.integers(0, 5, rows), random.uniform(0, 24, rows), random.normal(0, 1, rows)
    log_odds = -1.5 + 0.4 * site + np.sin(hour / 4) * price
    clicked = random.random(rows) < 1 / (1 + np.exp(-log_odds))
    columns = {"site": site.astype(str), "hour": hour, "price": price, "clicked": clicked}
    return TableBatches(pa.table(columns), batch_rows=3000)


@pytest.fixture(scope="module")
def train() -> TableBatches:
    return impressions(20_000, 1)


@pytest.fixture(scope="module")
def validation() -> TableBatches:
    return impressions(10_000, 2)


@pytest.fixture(scope="module")
def encoder(train: TableBatches) -> MatrixEncoder:
    return MatrixEncoder.fit(train, COLUMNS)


@pytest.fixture(scope="module")
def alone(train, validation, encoder) -> BoostedModel:
    return fit_boosted(train, validation, encoder, SETTINGS)


def ne(model: BoostedModel, encoder: MatrixEncoder) -> float:
    """Its NE on impressions that no model has seen."""
    other = impressions(20_000, 3)
    p = np.concatenate([model.predict(encoder.encode(batch)) for batch in other])
    found = normalised_entropy(p, all_labels(other))
    assert found is not None
    return found


def test_one_task_grows_the_very_same_trees(spark, train, validation, encoder, alone):
    assert fit_on_executors(spark, 1, train, validation, encoder, SETTINGS).to_bytes() == alone.to_bytes()


def test_two_tasks_grow_trees_of_equal_quality_and_the_same_ones_again(spark, train, validation, encoder, alone):
    together, again = (fit_on_executors(spark, 2, train, validation, encoder, SETTINGS) for _ in range(2))
    assert together.to_bytes() == again.to_bytes()
    assert ne(alone, encoder) < 0.9
    assert ne(together, encoder) == pytest.approx(ne(alone, encoder), rel=0.002)
    assert 5 < together.rounds < SETTINGS.max_rounds


def test_each_task_learns_from_rows_that_the_other_does_not_have(spark, train, validation, encoder):
    """Clicks alone in the first half, none in the second: neither half is learned from without the other."""
    sorted_rows = TableBatches(train.table.sort_by([("clicked", "descending")]))
    together = fit_on_executors(spark, 2, sorted_rows, validation, encoder, SETTINGS)
    assert ne(together, encoder) < 0.9


def test_rows_in_temporary_files_give_the_same_trees(spark, train, validation, encoder):
    settings = replace(SETTINGS, max_rounds=5)
    inside, outside = (
        fit_on_executors(spark, 2, train, validation, encoder, replace(settings, external_memory=external))
        for external in (False, True)
    )
    assert inside.to_bytes() == outside.to_bytes()


@pytest.mark.parametrize(("rows", "message"), [(0, "has no rows"), (1, "all have the label")])
def test_too_few_rows_are_explained_as_in_one_process(spark, train, encoder, rows, message):
    few = TableBatches(train.table.slice(0, rows))
    with pytest.raises(NotReady, match=message):
        fit_on_executors(spark, 2, few, None, encoder, SETTINGS)


def test_more_tasks_than_the_cluster_runs_at_once_are_refused(spark, train, encoder):
    with pytest.raises(SettingsError, match=r"training\.cluster_tasks is 3"):
        fit_on_executors(spark, 3, train, None, encoder, SETTINGS)
