from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.errors import LandingError
from conf.landing import Files
from jobs.landing import reader
from jobs.landing.discovery import LandingFile


@pytest.fixture
def rows(tmp_path):
    """Lands content under a name and reads it back as rows."""

    def read(name, content, kind, columns=("a", "b")):
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content)
        file = LandingFile(path, f"day/{name}", None)
        return [
            row
            for block in reader.rows_of(file, Files(files=name, format=kind), list(columns))
            for row in block.to_pylist()
        ]

    return read


def good(rows):
    return [(row["_row"], row["a"], row["b"]) for row in rows if row["_reject"] is None]


def rejected(rows):
    return [(row["_file"], row["_row"], row["_text"], row["_reject"]) for row in rows if row["_reject"] is not None]


def test_a_row_with_a_wrong_number_of_fields_keeps_file_position_text_and_reason(rows):
    found = rows("log.csv", b"a,b\n1,2\n3\n4,5,6\n7,8\n", "csv")
    assert good(found) == [(2, "1", "2"), (5, "7", "8")]
    assert rejected(found) == [
        ("day/log.csv", 3, "3", "1 fields where the header has 2"),
        ("day/log.csv", 4, "4,5,6", "3 fields where the header has 2"),
    ]


def test_quoted_delimiters_quotes_and_newlines_belong_to_the_value(rows):
    found = rows("log.csv", b'a,b\n"1,5","x\ny"\n"say ""hi""",2\n', "csv")
    assert good(found) == [(2, "1,5", "x\ny"), (3, 'say "hi"', "2")]


def test_only_wanted_columns_are_read_in_whatever_order_they_stand(rows):
    assert good(rows("log.csv", b"c,b,a\nno,2,1\n", "csv")) == [(2, "1", "2")]


def test_tabs_separate_the_fields_of_a_tsv(rows):
    assert good(rows("log.tsv", b"a\tb\n1,0\t2\n", "tsv")) == [(2, "1,0", "2")]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(rows):
    assert good(rows("log.csv", b"\xef\xbb\xbfa,b\r\n1,2\r\n", "csv")) == [(2, "1", "2")]


def test_bytes_that_are_no_utf8_reject_their_row_alone(rows):
    found = rows("log.csv", b"a,b\n1,2\n\xff\xfe,3\n4,\xc3\xa9\n", "csv")
    assert good(found) == [(2, "1", "2"), (4, "4", "\u00e9")]
    [(_, position, text, reason)] = rejected(found)
    assert (position, text, reason) == (3, "\ufffd\ufffd,3", "bytes that are not UTF-8 text")


def test_positions_hold_across_blocks(rows, monkeypatch):
    """The reader is a block ahead of the rows it yields, rejects included."""
    monkeypatch.setattr(reader, "BLOCK_BYTES", 64)
    lines = [b"%d" % line if line % 5 == 0 else b"%d,x" % line for line in range(2, 90)]
    found = rows("log.csv", b"\n".join([b"a,b", *lines, b""]), "csv")
    assert all(position == int(value) for position, value, _ in good(found))
    assert [(position, int(text)) for _, position, text, _ in rejected(found)] == [(n, n) for n in range(5, 90, 5)]
    assert len(found) == 88


def test_a_header_without_rows_is_an_empty_log(rows):
    assert rows("log.csv", b"a,b\n", "csv") == []


def test_an_empty_csv_file_is_an_error_that_names_it(rows):
    with pytest.raises(LandingError, match=r"log\.csv is empty"):
        rows("log.csv", b"", "csv")


def test_an_empty_json_lines_file_is_an_empty_log(rows):
    assert rows("log.jsonl", b"", "jsonl") == []


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_missing_column_is_named_together_with_those_there(rows, kind):
    content = b"a,c\n1,2\n" if kind == "csv" else pa.table({"a": [1], "c": [2]})
    with pytest.raises(LandingError, match=r"has no column `b`; it has: a, c"):
        rows(f"log.{kind}", content, kind)


def test_compressed_files_are_read_as_they_are(rows):
    assert good(rows("log.csv.gz", gzip.compress(b"a,b\n1,2\n"), "csv")) == [(2, "1", "2")]
    assert good(rows("log.jsonl.gz", gzip.compress(b'{"a": "1", "b": 2}\n'), "jsonl")) == [(1, "1", "2")]


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("cut.csv.gz", gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(9999)))[:2000], "csv"),
        ("cut.jsonl.gz", gzip.compress(b'{"a": 1, "b": 2}\n' * 999)[:60], "jsonl"),
        ("text.csv.gz", b"a,b\n1,2\n", "csv"),
        ("text.parquet", b"a,b\n1,2\n", "parquet"),
        ("list.parquet", pa.table({"a": [[1]], "b": [1]}), "parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(rows, name, content, kind):
    with pytest.raises(LandingError, match=rf"{name} cannot be read as {kind}: .*nothing of this night was published"):
        rows(name, content, kind)


def test_a_truncated_parquet_file_is_an_error_that_names_it(tmp_path, rows):
    pq.write_table(pa.table({"a": list(range(9999)), "b": list(range(9999))}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    with pytest.raises(LandingError, match=r"cut\.parquet cannot be read as parquet"):
        rows("cut.parquet", whole[: len(whole) // 2], "parquet")


def test_lines_that_are_no_json_object_are_rejected_with_their_text(rows):
    lines = [b'{"a": "1", "b": null}', b"nope", b"", b"[1, 2]", b'{"a": "\\ud800"}', b"\xff\xfe", b'{"a": "6"}']
    found = rows("log.jsonl", b"\n".join(lines), "jsonl")
    assert good(found) == [(1, "1", None), (7, "6", None)]
    assert [(position, text) for _, position, text, _ in rejected(found)] == [
        (2, "nope"),
        (4, "[1, 2]"),
        (5, '{"a": "\\ud800"}'),
        (6, "\ufffd\ufffd"),
    ]
    assert [reason[:7] for *_, reason in rejected(found)] == ["no JSON", "JSON, b", "half a ", "no JSON"]


def test_json_nested_without_end_is_rejected(rows):
    found = rows("log.jsonl", b'{"a": ' + b"[" * 100_000 + b'\n{"a": "2"}\n', "jsonl")
    assert good(found) == [(2, "2", None)]
    assert len(rejected(found)[0][2]) == reader.LONGEST_TEXT


def test_values_of_every_parquet_type_become_the_text_that_a_csv_would_hold(rows):
    table = pa.table(
        {
            "a": pa.array([True, False, None]),
            "b": pa.array(["x", None, "x"]).dictionary_encode(),
            "number": pa.array([1.0, 2.5, None]),
            "time": pa.array([datetime(2026, 1, 1, 9, tzinfo=UTC)] * 3, pa.timestamp("us", tz="UTC")),
        }
    )
    found = rows("log.parquet", table, "parquet", ["a", "b", "number", "time"])
    assert good(found) == [(1, "1", "x"), (2, "0", None), (3, None, "x")]
    assert [row["number"] for row in found] == ["1", "2.5", None]
    assert found[0]["time"] == "2026-01-01 09:00:00.000000Z"


def test_a_truth_value_is_one_or_zero_in_json_too(rows):
    assert good(rows("log.jsonl", b'{"a": true, "b": false}', "jsonl")) == [(1, "1", "0")]


def test_staged_files_hold_every_row_once(tmp_path):
    files = []
    for number in (1, 2):
        path = tmp_path / f"log{number}.csv"
        path.write_bytes(b"a,b\n%d,x\nbroken\n" % number)
        files.append(LandingFile(path, path.name, None))
    assert reader.stage(files, Files(files="log*.csv", format="csv"), ["a", "b"], tmp_path / "staged") == 4
    staged = pq.read_table(tmp_path / "staged").to_pylist()
    assert sorted((row["_file"], row["_row"], row["a"]) for row in staged if row["a"]) == [
        ("log1.csv", 2, "1"),
        ("log2.csv", 2, "2"),
    ]
