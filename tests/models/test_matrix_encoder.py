import numpy as np
import pyarrow as pa
import pytest

from conf.errors import StoreError
from models.batches import TableBatches
from models.columns import FeatureColumns
from models.frequencies import FrequencyTable
from models.hashing_encoder import HashingEncoder
from models.matrix_encoder import MISSING, MatrixEncoder, MatrixSettings


def _batch(**columns: object) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def _fitted(values: list[str | None], settings: MatrixSettings | None = None) -> MatrixEncoder:
    return MatrixEncoder.fit(TableBatches(pa.table({"site": values})), FeatureColumns(categorical=("site",)), settings)


def test_codes_follow_frequency_and_null_is_missing() -> None:
    encoder = _fitted(["b", "a", "a", None])
    assert np.array_equal(encoder.encode(_batch(site=["a", "b", None]))[:, 0], np.float32([0.0, 1.0, MISSING]))


def test_an_encoder_of_an_earlier_version_has_nan_for_what_is_missing() -> None:
    encoder = _fitted(["b", "a", "a", None])
    state = {name: value for name, value in encoder.to_json().items() if name != "missing"}
    encoded = MatrixEncoder.from_json(state).encode(_batch(site=["a", "b", None]))
    assert np.array_equal(encoded[:, 0], [0.0, 1.0, np.nan], equal_nan=True)


def test_unseen_and_rare_values_share_one_code() -> None:
    encoder = _fitted(["a", "a", "a", "b", "b", "c"], MatrixSettings(max_categories=3))
    assert encoder.encode(_batch(site=["a", "b", "c", "never seen"]))[:, 0].tolist() == [0.0, 1.0, 2.0, 2.0]


def test_a_category_below_the_least_count_is_other() -> None:
    encoder = _fitted(["a", "a", "b"], MatrixSettings(min_category_count=2))
    assert encoder.categories == {"site": ("a",)}


def test_numbers_stay_and_counts_become_logarithms() -> None:
    columns = FeatureColumns(numeric=("age",), counts=("views",), rates=("ctr",))
    batch = _batch(age=[3.5, None], views=[0, 9], ctr=[0.25, 0.5])
    encoded = MatrixEncoder(columns, {}).encode(batch)
    expected = np.array([[3.5, 0.0, 0.25], [MISSING, np.log(10.0), 0.5]], dtype=np.float32)
    assert np.allclose(encoded, expected)
    assert encoded.dtype == np.float32


def test_the_storage_type_of_a_category_does_not_matter() -> None:
    encoder = _fitted(["7", "7", "8"])
    stored = [
        pa.array([8, 7]),
        pa.array([8.0, 7.0]),
        pa.array(["8", "7"]).dictionary_encode(),
        pa.array(["8", "7"], pa.large_string()),
    ]
    for array in stored:
        assert encoder.encode(_batch(site=array))[:, 0].tolist() == [1.0, 0.0]


def test_an_all_null_column_of_any_type_is_missing_throughout() -> None:
    columns = FeatureColumns(categorical=("site",), numeric=("age",))
    rows = pa.table({"site": pa.nulls(3), "age": pa.nulls(3)})
    encoder = MatrixEncoder.fit(TableBatches(rows), columns)
    assert (encoder.encode(rows.to_batches()[0]) == np.float32(MISSING)).all()


def test_state_survives_json() -> None:
    encoder = _fitted(["b", "a", "a"])
    assert MatrixEncoder.from_json(encoder.to_json()) == encoder


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StoreError, match="'site' is missing"):
        _fitted(["a"]).encode(_batch(page=["x"]))


def test_frequent_values_survive_a_table_that_overflows() -> None:
    table = FrequencyTable(capacity=10)
    for block in range(20):
        table.add(pa.array(["often"] * 5 + [f"once {block} {value}" for value in range(8)]))
    assert table.most_frequent(1) == ("often",)


def test_numbers_that_single_precision_does_not_have_stay_finite() -> None:
    batch = pa.RecordBatch.from_pydict({"bid": [1e308, -1e39, 1.5, float("inf"), None]})
    columns = FeatureColumns(numeric=("bid",))
    encoded = MatrixEncoder.fit(TableBatches(pa.Table.from_batches([batch])), columns).encode(batch)[:, 0]
    assert np.isfinite(encoded).all() and (encoded[3:] == np.float32(MISSING)).all()
    assert encoded[3] < encoded[1] < encoded[2] < encoded[0]
    scaled = HashingEncoder.fit(TableBatches(pa.Table.from_batches([batch])), columns)
    assert np.isfinite([*scaled.centres, *scaled.scales]).all()
