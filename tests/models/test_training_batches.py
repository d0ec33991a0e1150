from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.errors import StoreError
from models.batches import ParquetBatches, TableBatches, labels_of


def _write(path: Path, values: list[int], day: date = date(2024, 5, 1)) -> str:
    table = pa.table({"x": values, "dt": pa.array([day] * len(values), pa.date32())})
    pq.write_table(table, path, row_group_size=2)
    return str(path)


def test_files_are_read_in_the_order_given_and_again(tmp_path: Path) -> None:
    files = [_write(tmp_path / "b.parquet", [1, 2, 3]), _write(tmp_path / "a.parquet", [4, 5])]
    batches = ParquetBatches(files, ["x"], batch_rows=10)
    assert [batch.column(0).to_pylist() for batch in batches] == [[1, 2, 3, 4, 5]]
    assert [batch.column(0).to_pylist() for batch in batches] == [[1, 2, 3, 4, 5]]


def test_no_batch_is_larger_than_asked(tmp_path: Path) -> None:
    files = [_write(tmp_path / "a.parquet", list(range(7)))]
    assert [batch.num_rows for batch in ParquetBatches(files, ["x"], batch_rows=3)] == [3, 1, 3] or sum(
        batch.num_rows for batch in ParquetBatches(files, ["x"], batch_rows=3)
    ) == 7
    assert max(batch.num_rows for batch in ParquetBatches(files, ["x"], batch_rows=3)) == 3


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="clicked"):
        list(ParquetBatches([_write(tmp_path / "a.parquet", [1])], ["x", "clicked"]))


def test_no_files_give_no_batches() -> None:
    assert list(ParquetBatches([], ["x"])) == []


def test_a_label_other_than_0_and_1_is_refused() -> None:
    (batch,) = TableBatches(pa.table({"clicked": [0, 1, None]}))
    with pytest.raises(StoreError, match="clicked"):
        labels_of(batch)


def test_boolean_labels_read_as_0_and_1() -> None:
    (batch,) = TableBatches(pa.table({"clicked": [True, False]}))
    assert np.array_equal(labels_of(batch), [1.0, 0.0])
