"""Arrow columns as the arrays that encoders work on: text, floats and stable 64-bit hashes."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from conf.bounds import LARGEST
from conf.errors import StoreError

_HASH_KEY = "ctr-pipeline-key"  # pandas wants 16 characters; another key is another model
_NULL_HASH = np.uint64(0x9AE16A3B2F90404F)


def column_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    """The column `name`. A batch without it raises StoreError with the columns that are there."""
    position = batch.schema.get_field_index(name)
    if position < 0:
        raise StoreError(
            f"Column '{name}' is missing. The rows hold: {', '.join(batch.schema.names)}. "
            "Write the table with the features that the model was trained on."
        )
    return batch.column(position)


def text_of(column: pa.Array) -> pa.Array:
    """The values as strings, null where null. A whole number reads the same whether stored as int or float."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    if pa.types.is_floating(column.type):
        column = _whole_numbers_as_integers(column)
    return column if pa.types.is_string(column.type) else pc.cast(column, pa.string())


def _whole_numbers_as_integers(column: pa.Array) -> pa.Array:
    # A column of integer ids with gaps becomes float in pandas; "7.0" must stay the category "7".
    column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        return pc.cast(column, pa.int64(), safe=True)
    except pa.ArrowInvalid:
        return column


def floats_of(column: pa.Array) -> np.ndarray:
    """The values as float64, NaN for null and for infinities, at most LARGEST either way. Shape (rows,)."""
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    values = np.array(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    return np.clip(values, -LARGEST, LARGEST)


def float_matrix(batch: pa.RecordBatch, names: tuple[str, ...]) -> np.ndarray:
    """The named columns side by side, float64, shape (rows, len(names))."""
    matrix = np.empty((batch.num_rows, len(names)))
    for position, name in enumerate(names):
        matrix[:, position] = floats_of(column_of(batch, name))
    return matrix


def hashes_of(column: pa.Array, salt: str) -> np.ndarray:
    """A uint64 hash of each value, the same in every process and for every batch size. Null has a hash of its own."""
    encoded = text_of(column).dictionary_encode()
    values = np.asarray(encoded.dictionary.to_numpy(zero_copy_only=False), dtype=object)
    hashes = np.empty(len(values) + 1, dtype=np.uint64)
    hashes[:-1] = pd.util.hash_array(values, hash_key=_HASH_KEY, categorize=False)
    hashes[-1] = _NULL_HASH
    codes = pc.fill_null(encoded.indices, len(values)).to_numpy(zero_copy_only=False)
    return mixed(hashes ^ salt_of(salt))[codes]


def salt_of(name: str) -> np.uint64:
    """A fixed uint64 for a name, so that equal values of two columns do not share a bucket."""
    return np.uint64(int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little"))


def mixed(hashes: np.ndarray) -> np.ndarray:
    """Spreads every input bit over all output bits (the SplitMix64 finaliser, Steele et al. 2014). uint64 to uint64."""
    z = hashes + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
