from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from conf.errors import NotReady
from models.batches import TableBatches, all_labels
from models.boosted import BoostedModel, BoostedSettings, _EncodedRows, fit_boosted
from models.columns import FeatureColumns
from models.constant import ConstantSettings, fit_constant
from models.encoders import HashingEncoder, HashingSettings, MatrixEncoder
from models.logistic import LogisticModel, LogisticSettings, fit_logistic
from models.metrics import log_loss, normalised_entropy
from models.mix import best_weight, mixed_probability
from models.probability import log_odds

Impressions = Callable[[int, int], pa.Table]

SMALL_TREES = BoostedSettings(max_rounds=20, max_depth=3, threads=1, min_child_weight=5.0)


def test_the_constant_is_the_click_rate_drawn_towards_the_prior() -> None:
    rows = TableBatches(pa.table({"clicked": [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]}))
    assert fit_constant(rows, ConstantSettings(prior_ctr=0.05, prior_impressions=10)).p_click == 2.5 / 20


def test_without_rows_the_constant_is_the_prior() -> None:
    empty = TableBatches(pa.table({"clicked": pa.array([], pa.int64())}))
    assert fit_constant(empty, ConstantSettings(prior_ctr=0.05)).p_click == 0.05


def test_logistic_regression_finds_a_known_effect(columns: FeatureColumns, impressions: Impressions) -> None:
    train = TableBatches(impressions(8000, 1))
    encoder = HashingEncoder.fit(train, columns, HashingSettings(bits=10, bins=8))
    model = fit_logistic(train, encoder)
    other = impressions(4000, 2)
    p = model.predict(encoder.encode(other.to_batches()[0]))
    ne = normalised_entropy(p, all_labels(TableBatches(other)))
    assert ne is not None
    assert ne < 0.93


def test_blocks_come_close_to_solving_all_rows_at_once(columns: FeatureColumns, impressions: Impressions) -> None:
    train = TableBatches(impressions(8000, 1), batch_rows=500)
    encoder = HashingEncoder.fit(train, columns, HashingSettings(bits=10, bins=8))
    other = impressions(4000, 2)
    encoded, labels = encoder.encode(other.to_batches()[0]), all_labels(TableBatches(other))
    whole, in_blocks = (
        log_loss(fit_logistic(train, encoder, LogisticSettings(c=0.1, block_rows=rows)).predict(encoded), labels)
        for rows in (1_000_000, 2000)
    )
    prior = log_loss(np.full(len(labels), labels.mean()), labels)
    assert whole is not None and in_blocks is not None and prior is not None
    assert abs(in_blocks - whole) < 0.02 * (prior - whole)


def test_a_row_of_weight_two_counts_as_two_rows() -> None:
    columns = FeatureColumns(categorical=("site",))
    once = pa.table({"site": ["a", "a", "b", "b"], "clicked": [1, 0, 1, 0], "weight": [2.0, 1.0, 1.0, 2.0]})
    twice = pa.table({"site": ["a", "a", "a", "b", "b", "b"], "clicked": [1, 1, 0, 1, 0, 0]})
    encoder = HashingEncoder.fit(TableBatches(once), columns, HashingSettings(bits=6))
    weighted, repeated = (fit_logistic(TableBatches(table), encoder) for table in (once, twice))
    assert np.allclose(weighted.coefficients, repeated.coefficients, atol=1e-3)


@pytest.mark.parametrize("label", [0, 1])
def test_rows_with_one_label_cannot_be_learned_from(label: int) -> None:
    rows = TableBatches(pa.table({"site": ["a", "b"], "clicked": [label, label]}))
    columns = FeatureColumns(categorical=("site",))
    with pytest.raises(NotReady, match=f"label {label}"):
        fit_logistic(rows, HashingEncoder.fit(rows, columns, HashingSettings(bits=6)))
    with pytest.raises(NotReady, match=f"label {label}"):
        fit_boosted(rows, None, MatrixEncoder.fit(rows, columns), SMALL_TREES)


def test_no_rows_cannot_be_learned_from() -> None:
    rows = TableBatches(pa.table({"site": pa.array([], pa.string()), "clicked": pa.array([], pa.int64())}))
    columns = FeatureColumns(categorical=("site",))
    with pytest.raises(NotReady, match="no rows"):
        fit_logistic(rows, HashingEncoder.fit(rows, columns, HashingSettings(bits=6)))
    with pytest.raises(NotReady, match="no rows"):
        fit_boosted(rows, None, MatrixEncoder.fit(rows, columns), SMALL_TREES)


def test_logistic_weights_survive_storage(tmp_path: Path) -> None:
    model = LogisticModel(np.array([0.5, -1.0], dtype=np.float32), 0.25)
    model.save(tmp_path)
    loaded = LogisticModel.load(tmp_path)
    assert np.array_equal(loaded.coefficients, model.coefficients)
    assert loaded.intercept == 0.25


def test_trees_stop_when_validation_no_longer_improves(columns: FeatureColumns, impressions: Impressions) -> None:
    train, validation = TableBatches(impressions(1500, 1)), TableBatches(impressions(1500, 2))
    encoder = MatrixEncoder.fit(train, columns)
    eager = BoostedSettings(eta=0.8, max_rounds=200, early_stopping_rounds=3, threads=1, min_child_weight=1.0)
    assert fit_boosted(train, validation, encoder, eager).rounds < 50
    assert fit_boosted(train, None, encoder, SMALL_TREES).rounds == 20


def test_trees_from_external_memory_predict_the_same(columns: FeatureColumns, impressions: Impressions) -> None:
    train = TableBatches(impressions(3000, 1), batch_rows=1000)
    encoder = MatrixEncoder.fit(train, columns)
    external = BoostedSettings(max_rounds=20, max_depth=3, threads=1, min_child_weight=5.0, external_memory=True)
    encoded = encoder.encode(impressions(500, 2).to_batches()[0])
    inside, outside = (fit_boosted(train, None, encoder, settings) for settings in (SMALL_TREES, external))
    assert np.allclose(inside.predict(encoded), outside.predict(encoded), atol=0.02)


def test_trees_tell_which_features_they_used(columns: FeatureColumns, impressions: Impressions) -> None:
    train = TableBatches(impressions(3000, 1))
    gains = fit_boosted(train, None, MatrixEncoder.fit(train, columns), SMALL_TREES).gains()
    assert "never_known" not in gains
    assert set(list(gains)[:2]) == {"ad_ctr", "site"}


def test_trees_survive_storage(tmp_path: Path, columns: FeatureColumns, impressions: Impressions) -> None:
    train = TableBatches(impressions(1000, 1))
    encoder = MatrixEncoder.fit(train, columns)
    model = fit_boosted(train, None, encoder, SMALL_TREES)
    model.save(tmp_path)
    encoded = encoder.encode(impressions(200, 2).to_batches()[0])
    assert np.array_equal(BoostedModel.load(tmp_path).predict(encoded), model.predict(encoded))


def test_a_mix_averages_log_odds() -> None:
    mixed = mixed_probability(np.array([0.1]), np.array([0.4]), 0.25)
    assert np.allclose(log_odds(mixed), 0.75 * log_odds(np.array([0.1])) + 0.25 * log_odds(np.array([0.4])))


def test_the_mix_leans_to_the_better_member() -> None:
    random = np.random.default_rng(5)
    truth = random.uniform(0.05, 0.6, 4000)
    y = (random.random(4000) < truth).astype(float)
    noise = random.uniform(0.05, 0.6, 4000)
    assert best_weight(noise, truth, y) > 0.9
    assert best_weight(truth, noise, y) < 0.1
    assert best_weight(np.empty(0), np.empty(0), np.empty(0)) == 0.5


@pytest.mark.parametrize("weighted", [False, True])
def test_encoded_rows_come_again_as_they_came_first(columns, impressions, tmp_path, weighted) -> None:
    table = impressions(3000, 1)
    if weighted:
        table = table.append_column("weight", pa.array(np.linspace(1.0, 2.0, 3000)))
    batches = TableBatches(table, batch_rows=1000)
    rows = _EncodedRows(batches, MatrixEncoder.fit(batches, columns), tmp_path / "rows")
    first, again = list(rows), list(rows)
    assert len(first) == len(again) == 3
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.matrix, other.matrix)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert (one.weights is None) == (other.weights is None) == (not weighted)
        assert one.weights is None or np.array_equal(one.weights, other.weights)


def test_rows_that_were_left_in_the_middle_begin_anew(columns, impressions, tmp_path) -> None:
    batches = TableBatches(impressions(3000, 1), batch_rows=1000)
    rows = _EncodedRows(batches, MatrixEncoder.fit(batches, columns), tmp_path / "rows")
    next(iter(rows))
    assert [len(batch.matrix) for batch in rows] == [len(batch.matrix) for batch in rows] == [1000] * 3
