"""Training rows as a re-iterable stream of Arrow record batches, so that memory does not grow with the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import fs

from conf.errors import StoreError
from models.arrow_values import column_of, floats_of
from models.columns import FeatureColumns

LABEL = "clicked"
DAY = "dt"
ROW_ID = "impression_id"
WEIGHT = "weight"

BATCH_ROWS = 16_384
"""Rows that are encoded at once: four times as many took 150 MB more of a training, and no less time."""


@runtime_checkable
class Batches(Protocol):
    """Record batches that can be read any number of times, each time in the same order."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """The batches from the start."""
        ...

    def share(self, part: int, of: int) -> Batches:
        """One of `of` parts of about as many rows, counted from 0; together they are all the rows."""
        ...


def dataset_of(files: Sequence[str]) -> ds.Dataset:
    """Parquet files as one data set: paths of this machine, or addresses of one object store (`s3://bucket/key`)."""
    if not files or "://" not in files[0]:
        return ds.dataset(list(files), format="parquet")
    filesystem, _ = fs.FileSystem.from_uri(files[0])
    return ds.dataset([file.split("://", 1)[1] for file in files], filesystem=filesystem, format="parquet")


def training_columns(columns: FeatureColumns) -> tuple[str, ...]:
    """What has to be read to train: the features, the label, the day, and the row id that sampling hashes."""
    return tuple(dict.fromkeys((*columns.all, LABEL, DAY, ROW_ID)))


@dataclass(frozen=True)
class ParquetBatches:
    """The rows of Parquet files, in the order of `files`, at most `batch_rows` at a time; `part` of `parts` of them."""

    files: Sequence[str]
    columns: Sequence[str]
    batch_rows: int = BATCH_ROWS
    part: int = 0
    parts: int = 1

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        if not self.files:
            return
        dataset = dataset_of(self.files)
        missing = sorted(set(self.columns) - set(dataset.schema.names))
        if missing:
            raise StoreError(f"{self.files[0]} lacks the columns {missing}; it holds {dataset.schema.names}.")
        yield from _filled(self._scanned(dataset), self.batch_rows)

    def share(self, part: int, of: int) -> ParquetBatches:
        """A stretch of rows that follow each other, of which only the row groups that it touches are read."""
        return replace(self, part=self.part * of + part, parts=self.parts * of)

    def _scanned(self, dataset: ds.Dataset) -> Iterator[pa.RecordBatch]:
        rows = dataset.count_rows()
        first, last = (rows * part // self.parts for part in (self.part, self.part + 1))
        return _between(first, last, dataset, list(self.columns), self.batch_rows)


@dataclass(frozen=True)
class TableBatches:
    """The rows of a table that is already in memory."""

    table: pa.Table
    batch_rows: int = BATCH_ROWS

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        yield from batches_of(self.table, self.batch_rows)

    def share(self, part: int, of: int) -> TableBatches:
        """A slice of the table."""
        first, last = (self.table.num_rows * number // of for number in (part, part + 1))
        return replace(self, table=self.table.slice(first, last - first))


@dataclass(frozen=True)
class JoinedBatches:
    """The rows of one source after those of another: all weighted or none."""

    parts: Sequence[Batches]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for part in self.parts:
            yield from part

    def share(self, part: int, of: int) -> JoinedBatches:
        """A share of each source."""
        return JoinedBatches(tuple(source.share(part, of) for source in self.parts))


NO_ROWS = JoinedBatches(())


def batches_of(rows: pa.RecordBatch | pa.Table, batch_rows: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """The rows of a batch or a table as non-empty batches of at most `batch_rows`."""
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
    yield from (batch for batch in table.combine_chunks().to_batches(max_chunksize=batch_rows) if batch.num_rows)


def labels_of(batch: pa.RecordBatch) -> np.ndarray:
    """The label as float64 0 and 1, shape (rows,). Anything else raises StoreError."""
    labels = floats_of(column_of(batch, LABEL))
    if not np.isin(labels, (0.0, 1.0)).all():
        raise StoreError(f"Column '{LABEL}' holds values other than 0 and 1: train on mature, labelled examples only.")
    return labels


def weights_of(batch: pa.RecordBatch) -> np.ndarray | None:
    """The column `weight` as float64, or None where the batch has none."""
    return floats_of(column_of(batch, WEIGHT)) if WEIGHT in batch.schema.names else None


def all_labels(batches: Batches) -> np.ndarray:
    """The labels of all rows, in order."""
    labels = [labels_of(batch) for batch in batches]
    return np.concatenate(labels) if labels else np.empty(0)


def _between(
    first: int, last: int, dataset: ds.Dataset, columns: list[str], batch_rows: int
) -> Iterator[pa.RecordBatch]:
    """The rows from number `first` to before `last`, as the files count them; one row group is in memory at a time.

    A scan of the whole data set reads on while a model learns, however much is waiting: a long window lay in memory.
    """
    start = 0
    for group in (group for fragment in dataset.get_fragments() for group in fragment.split_by_row_group()):
        end = start + sum(found.num_rows for found in group.row_groups)
        if start < last and first < end:
            for batch in group.to_batches(schema=dataset.schema, columns=columns, batch_size=batch_rows):
                low, high = max(first - start, 0), min(last - start, batch.num_rows)
                if low < high:
                    yield batch.slice(low, high - low)
                start += batch.num_rows
        start = end


def _filled(scanned: Iterator[pa.RecordBatch], batch_rows: int) -> Iterator[pa.RecordBatch]:
    # Small row groups give small batches; fixed costs of encoding are per batch.
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in scanned:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= batch_rows:
            yield from batches_of(pa.Table.from_batches(waiting), batch_rows)
            waiting, rows = [], 0
    if waiting:
        yield from batches_of(pa.Table.from_batches(waiting), batch_rows)
