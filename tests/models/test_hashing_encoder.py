import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from models.arrow_values import hashes_of
from models.batches import TableBatches
from models.columns import FeatureColumns
from models.hashing_encoder import HashingEncoder, HashingSettings
from models.row_sample import RowSample

Impressions = Callable[[int, int], pa.Table]

SMALL = HashingSettings(bits=12, bins=4)


def _fitted(columns: FeatureColumns, **values: object) -> tuple[HashingEncoder, pa.RecordBatch]:
    table = pa.table(values)
    return HashingEncoder.fit(TableBatches(table), columns, SMALL), table.to_batches()[0]


def test_equal_rows_encode_equally_and_different_values_differ() -> None:
    encoder, batch = _fitted(FeatureColumns(categorical=("site",)), site=["a", "b", "a"])
    first, second, third = encoder.encode(batch).toarray()
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)


def test_the_same_value_in_two_columns_falls_into_two_buckets() -> None:
    encoder, batch = _fitted(FeatureColumns(categorical=("site", "page")), site=["a"], page=["a"])
    assert encoder.encode(batch).toarray().sum() == 2.0
    assert len(set(encoder.encode(batch).indices)) == 2


def test_a_cross_tells_combinations_apart_that_its_parts_do_not() -> None:
    encoder, batch = _fitted(
        FeatureColumns(categorical=("site", "device"), crosses=(("site", "device"),)),
        site=["a", "b", "a", "b"],
        device=["x", "y", "y", "x"],
    )
    crossed = encoder.encode(batch).indices.reshape(4, 3)[:, 2]
    assert len(set(crossed)) == 4


def test_hashes_are_the_same_in_another_process() -> None:
    script = (
        "import pyarrow as pa; from models.arrow_values import hashes_of;"
        "print(*hashes_of(pa.array(['a', None, 'ü']), 'site'))"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert [int(value) for value in printed.split()] == hashes_of(pa.array(["a", None, "ü"]), "site").tolist()


def test_numbers_have_mean_0_and_deviation_0_3_and_missing_is_the_mean() -> None:
    encoder, batch = _fitted(FeatureColumns(numeric=("age",)), age=[1.0, 3.0, None])
    assert encoder.encode(batch).toarray()[:, 0].tolist() == pytest.approx([-0.3, 0.3, 0.0])


def test_a_missing_number_has_a_bin_of_its_own() -> None:
    encoder, batch = _fitted(FeatureColumns(numeric=("age",)), age=[1.0, 2.0, 3.0, 4.0, None])
    bins = encoder.encode(batch).indices.reshape(5, 2)[:, 1]
    assert len(set(bins)) == 5


def test_rates_enter_as_log_odds() -> None:
    encoder, batch = _fitted(FeatureColumns(rates=("ctr",)), ctr=[0.1, 0.5, 0.9])
    scaled = encoder.encode(batch).toarray()[:, 0]
    assert np.allclose(scaled, [-0.3 * np.sqrt(1.5), 0.0, 0.3 * np.sqrt(1.5)])


def test_evidence_makes_a_rate_weigh_more() -> None:
    columns = FeatureColumns(counts=("views",), rates=("ctr",), rate_evidence=(("ctr", "views"),))
    encoder, batch = _fitted(columns, views=[1, 1000, 1, 1000], ctr=[0.2, 0.2, 0.1, 0.1])
    weak, strong = encoder.encode(batch).toarray()[:2, 2]
    assert 0 < weak < strong


def test_unseen_values_and_all_null_columns_encode() -> None:
    columns = FeatureColumns(categorical=("site",), numeric=("age",), counts=("views",), rates=("ctr",))
    nothing = {name: pa.nulls(2) for name in columns.all}
    encoder, batch = _fitted(columns, **nothing)
    assert np.isfinite(encoder.encode(batch).toarray()).all()
    seen = pa.RecordBatch.from_pydict({"site": ["new"], "age": [1e30], "views": [-5], "ctr": [1.0]})
    assert np.isfinite(encoder.encode(seen).toarray()).all()


def test_every_index_lies_within_the_width(columns: FeatureColumns, impressions: Impressions) -> None:
    table = impressions(500, 1)
    encoder = HashingEncoder.fit(TableBatches(table), columns, SMALL)
    assert encoder.encode(table.to_batches()[0]).indices.max() < encoder.width


def test_state_survives_json(columns: FeatureColumns, impressions: Impressions) -> None:
    encoder = HashingEncoder.fit(TableBatches(impressions(200, 1)), columns, SMALL)
    assert HashingEncoder.from_json(encoder.to_json()) == encoder


def test_a_row_sample_does_not_depend_on_how_rows_were_cut() -> None:
    rows = np.arange(1000.0)[:, None]
    whole, cut = RowSample(1, 50, seed=3), RowSample(1, 50, seed=3)
    whole.add(rows)
    for block in np.array_split(rows, 13):
        cut.add(block)
    assert np.array_equal(np.sort(whole.rows, axis=0), np.sort(cut.rows, axis=0))
    assert len(whole.rows) == 50
    assert 350 < whole.rows.mean() < 650
