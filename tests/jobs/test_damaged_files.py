"""Files as old programs, careless writers and broken disks leave them."""

from __future__ import annotations

import io
import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.errors import LandingError
from conf.landing import Files
from jobs.landing.discovery import LandingFile, files_of
from jobs.landing.reader import rows_of


@pytest.fixture
def read(tmp_path):
    """Lands bytes and reads them back: position and values of each row, or the reason against it."""

    def run(content, kind, columns=("a", "b"), **layout):
        path = tmp_path / f"log.{kind}"
        path.write_bytes(content)
        blocks = rows_of(
            LandingFile(path, path.name, None), Files(files=path.name, format=kind, **layout), list(columns)
        )
        found = sorted((row for block in blocks for row in block.to_pylist()), key=lambda row: row["_row"])
        return [(row["_row"], row["_reject"] or tuple(row[name] for name in columns)) for row in found]

    return run


def parquet(**columns):
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def test_lines_that_end_with_a_return_alone_are_lines(read):
    assert read(b'a,b\r"1,5",2\r"3",4\r', "csv") == [(2, ("1,5", "2")), (3, ("3", "4"))]
    assert read(b'{"a": 1, "b": 2}\r{"a": 3, "b": 4}', "jsonl") == [(1, ("1", "2")), (2, ("3", "4"))]


def test_a_byte_order_mark_alone_is_an_empty_log(read):
    assert read(b"\xef\xbb\xbf", "jsonl") == []
    assert read(b"\xef\xbb\xbf\n", "csv", header=("a", "b")) == []


def test_empty_lines_before_the_header_are_no_header(read):
    assert read(b"\n\na,b\n1,2\n", "csv") == [(2, ("1", "2"))]


def test_a_header_longer_than_a_block_is_read_whole(read):
    names = ",".join(f"\u00fc{number}" for number in range(20_000))
    assert read(f"a,{names},b\n1,{',' * 19_999},2\n".encode(), "csv") == [(2, ("1", "2"))]


def test_a_separator_of_lines_inside_a_header_is_a_character(read):
    assert read("a,x\u2028y,b\n1,,2\n".encode(), "csv") == [(2, ("1", "2"))]


def test_a_key_that_stands_twice_with_other_values_rejects_the_row_that_wants_it(read):
    assert read(b'{"a": 1, "a": 2, "b": 3}\n{"a": 1, "c": 1, "c": 2, "b": 3}\n{"a": 1, "a": 1, "b": 3}', "jsonl") == [
        (1, "`a` stands twice with different values"),
        (2, ("1", "3")),
        (3, ("1", "3")),
    ]


def test_an_object_or_a_list_in_place_of_a_value_rejects_the_row(read):
    assert read(b'{"a": {"id": 1}, "b": 1}\n{"a": 1, "b": [2]}', "jsonl") == [
        (1, "`a` holds an object, which is no single value"),
        (2, "`b` holds a list, which is no single value"),
    ]


def test_half_a_surrogate_pair_in_an_encoding_that_can_write_one_rejects_its_row(read):
    assert read(b"a,b\n+2AA-,2\n3,4\n", "csv", encoding="utf-7") == [
        (2, "bytes that are no text in utf-7"),
        (3, ("3", "4")),
    ]


@pytest.mark.parametrize("kind", ["text", "dictionary", "fixed", "view"])
def test_bytes_that_are_no_text_in_parquet_reject_their_row_alone_however_they_are_packed(read, kind):
    damaged = pa.array([b"1", b"\xff", b"4"])
    packed = {
        "text": damaged.view(pa.string()),
        "dictionary": damaged.dictionary_encode(),
        "fixed": damaged.cast(pa.binary(1)),
        "view": damaged.cast(pa.binary_view()),
    }
    found = read(parquet(a=packed[kind], b=["x", "y", "z"]), "parquet")
    assert found == [(1, ("1", "x")), (2, "bytes that are not UTF-8 text"), (3, ("4", "z"))]


def test_a_parquet_column_that_stands_twice_is_an_error(read):
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array([1])] * 3, names=["a", "a", "b"]), stream)
    with pytest.raises(LandingError, match="has two columns `a`"):
        read(stream.getvalue(), "parquet")


def test_a_file_whose_name_is_no_text_is_an_error(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/log-\xff.csv"))
    path.write_bytes(b"a,b\n")
    with pytest.raises(LandingError, match=r"'log-\\udcff\.csv' .* is no UTF-8 text. Rename it"):
        files_of(tmp_path, Files(files="log*.csv", format="csv"), date(2026, 1, 10))
