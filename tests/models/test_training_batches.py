import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.errors import StoreError
from models.batches import JoinedBatches, ParquetBatches, TableBatches, labels_of
from models.downsampling import DownsampledBatches
from models.recency import RecencyWeighted


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


@pytest.mark.parametrize("of", [1, 2, 3, 8])
def test_the_shares_of_files_are_all_rows_once_and_about_as_many_each(tmp_path: Path, of: int) -> None:
    files = [_write(tmp_path / "b.parquet", [0, 1, 2, 3, 4]), _write(tmp_path / "a.parquet", [5, 6])]
    batches = ParquetBatches(files, ["x"], batch_rows=3)
    shares = [[x for batch in batches.share(part, of) for x in batch.column(0).to_pylist()] for part in range(of)]
    assert [x for share in shares for x in share] == list(range(7))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_share_reads_only_the_row_groups_that_it_touches(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.parquet", list(range(8)))
    damaged = bytearray(Path(file).read_bytes())
    first = pq.ParquetFile(file).metadata.row_group(0).column(0)
    damaged[first.dictionary_page_offset : first.dictionary_page_offset + first.total_compressed_size] = bytes(
        first.total_compressed_size
    )
    Path(file).write_bytes(damaged)
    [batch] = ParquetBatches([file], ["x"]).share(1, 2)
    assert batch.column(0).to_pylist() == [4, 5, 6, 7]
    with pytest.raises(OSError):
        list(ParquetBatches([file], ["x"]).share(0, 2))


def test_a_share_can_be_shared_again(tmp_path: Path) -> None:
    batches = ParquetBatches([_write(tmp_path / "a.parquet", list(range(8)))], ["x"])
    [batch] = batches.share(1, 2).share(0, 2)
    assert batch.column(0).to_pylist() == [4, 5]


def test_rows_are_joined_sampled_and_weighted_alike_in_every_share() -> None:
    def table(name: str) -> pa.Table:
        ids = [f"{name}{number}" for number in range(50)]
        days = pa.array([date(2024, 5, 1 + number % 9) for number in range(50)], pa.date32())
        return pa.table({"impression_id": ids, "dt": days, "clicked": [number % 5 == 0 for number in range(50)]})

    joined = JoinedBatches((TableBatches(table("a")), TableBatches(table("b"))))
    whole = RecencyWeighted(DownsampledBatches(joined, 0.5), date(2024, 5, 9), 3.0)
    shares = [row for part in range(3) for batch in whole.share(part, 3) for row in batch.to_pylist()]
    rows = [row for batch in whole for row in batch.to_pylist()]
    assert len(rows) < 100
    assert sorted(shares, key=lambda row: row["impression_id"]) == sorted(rows, key=lambda row: row["impression_id"])


def test_rows_that_nobody_has_asked_for_stay_in_their_files(tmp_path: Path) -> None:
    rows, size = 20_000, 20_000 * 8
    table = pa.table({"x": np.random.default_rng(1).random(rows)})
    files = [str(tmp_path / f"{number}.parquet") for number in range(20)]
    for file in files:
        pq.write_table(table, file)
    before = pa.total_allocated_bytes()
    batches = iter(ParquetBatches(files, ["x"], batch_rows=rows))
    next(batches)
    time.sleep(0.5)  # a model learns
    assert pa.total_allocated_bytes() - before < 8 * size
    assert sum(batch.num_rows for batch in batches) == 19 * rows
