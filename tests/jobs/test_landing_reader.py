from __future__ import annotations

import gzip
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.errors import LandingError
from conf.landing import Files
from jobs.landing import csv_rows, reader
from jobs.landing.discovery import LandingFile
from jobs.landing.staged import LONGEST_TEXT
from jobs.landing.text_stream import QuoteGuard


@pytest.fixture
def rows(tmp_path):
    """Lands content under a name and reads it back as rows."""

    def read(name, content, kind, columns=("a", "b"), **layout):
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        else:
            path.write_bytes(content)
        file = LandingFile(path, f"day/{name}", None)
        return [
            row
            for block in reader.rows_of(file, Files(files=name, format=kind, **layout), list(columns))
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
    assert (position, text, reason) == (3, "\ufffd\ufffd,3", "bytes that are no text in utf-8")


def test_bytes_that_are_no_utf8_in_a_row_of_the_wrong_shape_reject_that_row_alone(rows):
    found = rows("log.csv", b"a,b\n1,2\n\xff\xfe,3,4\n4,5\n", "csv")
    assert good(found) == [(2, "1", "2"), (4, "4", "5")]
    assert rejected(found) == [("day/log.csv", 3, "\ufffd\ufffd,3,4", "3 fields where the header has 2")]


def test_bytes_that_are_no_utf8_in_a_column_that_nobody_wants_do_no_harm(rows):
    assert good(rows("log.csv", b"a,b,c\n1,2,\xff\n", "csv")) == [(2, "1", "2")]


def test_bytes_that_are_no_utf8_in_json_or_parquet_reject_their_row_alone(rows):
    lines = rows("log.jsonl", b'{"a": 1, "b": 2}\n{"a": "\xff", "b": 3}\n{"a": 4, "b": 5}\n', "jsonl")
    table = rows("log.parquet", pa.table({"a": pa.array([b"1", b"\xff", b"4"]), "b": [2, 3, 5]}), "parquet")
    for found, first in ((lines, 1), (table, 1)):
        assert good(found) == [(first, "1", "2"), (first + 2, "4", "5")]
        [(_, position, _, reason)] = rejected(found)
        assert position == first + 1 and reason.startswith("bytes that are no")


@pytest.mark.parametrize("block", [24, 1 << 20])
def test_a_quote_that_is_never_closed_is_a_character_of_its_row_alone(rows, monkeypatch, block):
    monkeypatch.setattr(csv_rows, "BLOCK_BYTES", block)
    found = rows("log.tsv", b'a\tb\n1\t"cheap flights\n2\tx\n"3\ty\t\n4\t5" screen\n6\t"z"\n', "tsv")
    assert good(found) == [(2, "1", '"cheap flights'), (3, "2", "x"), (5, "4", '5" screen'), (6, "6", "z")]
    assert rejected(found) == [("day/log.tsv", 4, '"3\ty\t', "3 fields where the header has 2")]


def test_a_quote_that_a_later_row_happens_to_close_swallows_no_row(rows):
    found = rows("log.csv", b'a,b\n1,"x\n2,y\n3,z"w\n4,u\n', "csv")
    assert good(found) == [(2, "1", '"x'), (3, "2", "y"), (4, "3", 'z"w'), (5, "4", "u")]


@pytest.mark.parametrize("block", [32, 1 << 20])
def test_values_over_several_lines_hold_across_blocks_beside_broken_quotes(rows, monkeypatch, block):
    monkeypatch.setattr(csv_rows, "BLOCK_BYTES", block)
    content = b'a,b\n1,"one\ntwo, ""three""\n\nfour"\n2,"five\n3,six\n"4","seven\neight"\n'
    expected = [(2, "1", 'one\ntwo, "three"\n\nfour'), (3, "2", '"five'), (4, "3", "six"), (5, "4", "seven\neight")]
    assert good(rows("log.csv", content, "csv")) == expected


@pytest.mark.parametrize("size", [1, 2, 5, 11, 400])
def test_what_a_broken_quote_does_not_depend_on_how_the_file_is_cut_into_blocks(size):
    content = b'a,b\n1,"one\ntwo, ""three""\n\nfour"\n2,"five\n3,six\n"4","seven\neight"\n5,"x"y\n6,7'
    guard = QuoteGuard(",", 2)
    passed = [guard.passed(content[start : start + size]) for start in range(0, len(content), size)]
    literal = content.replace(b'"five', b"\xef\xb7\x91five").replace(b'"x"y', b"\xef\xb7\x91x\xef\xb7\x91y")
    assert b"".join([*passed, guard.passed(b"")]) == literal + b"\n"


def test_a_last_line_without_an_end_counts(rows):
    assert good(rows("log.csv", b"a,b\n1,2\n3,4", "csv")) == [(2, "1", "2"), (3, "3", "4")]
    assert rows("log.csv", b"a,b", "csv") == []


@pytest.mark.parametrize(("encoding", "kind"), [("latin-1", "csv"), ("utf-16", "csv"), ("cp1252", "jsonl")])
def test_text_in_another_encoding_is_read_as_the_description_says(rows, encoding, kind):
    text = "a,b\nGerät,ü\n" if kind == "csv" else '{"a": "Gerät", "b": "ü"}\n'
    assert [values for _, *values in good(rows(f"log.{kind}", text.encode(encoding), kind, encoding=encoding))] == [
        ["Gerät", "ü"]
    ]


def test_a_header_in_another_encoding_asks_for_it(rows):
    with pytest.raises(LandingError, match=r"no column `Gerät`; it has: .*give the `encoding`"):
        rows("log.csv", "Gerät,b\n1,2\n".encode("latin-1"), "csv", columns=("Gerät", "b"))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"a,b\n1,NULL\nunknown,2\n", "csv"),
        (b'{"a": 1, "b": "NULL"}\n{"a": "unknown", "b": 2}\n', "jsonl"),
        (pa.table({"a": ["1", "unknown"], "b": ["NULL", "2"]}), "parquet"),
    ],
)
def test_words_that_stand_for_no_value_are_none(rows, content, kind):
    found = rows(f"log.{kind}", content, kind, missing=("NULL", "unknown"))
    assert [(row["a"], row["b"]) for row in found] == [("1", None), (None, "2")]


def test_a_wanted_column_that_stands_twice_is_an_error(rows):
    with pytest.raises(LandingError, match="has two columns `b`"):
        rows("log.csv", b"a,b,b\n1,2,3\n", "csv")
    assert good(rows("log.csv", b"a,b,c,c\n1,2,3,4\n", "csv")) == [(2, "1", "2")]


def test_positions_hold_across_blocks(rows, monkeypatch):
    """The reader is a block ahead of the rows it yields, rejects included."""
    monkeypatch.setattr(csv_rows, "BLOCK_BYTES", 64)
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
    with pytest.raises(LandingError, match=r"has no column `b`; it has: `a`, `c`"):
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
    assert [reason[:7] for *_, reason in rejected(found)] == ["no JSON", "JSON, b", "half a ", "bytes t"]


def test_json_nested_without_end_is_rejected(rows):
    found = rows("log.jsonl", b'{"a": ' + b"[" * 100_000 + b'\n{"a": "2"}\n', "jsonl")
    assert good(found) == [(2, "2", None)]
    assert len(rejected(found)[0][2]) == LONGEST_TEXT


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


def test_a_parquet_column_may_change_its_type_from_file_to_file(rows):
    for kind in (pa.int32(), pa.int64(), pa.float64(), pa.string(), pa.decimal128(22, 0)):
        values = pa.array(["7", None]).cast(pa.int64()).cast(kind)
        assert [row["a"] for row in rows("log.parquet", pa.table({"a": values, "b": ["x", "y"]}), "parquet")] == [
            "7",
            None,
        ]


def test_what_is_no_number_is_nothing_in_parquet_and_json(rows):
    table = pa.table({"a": pa.array([float("nan"), 2.5]), "b": ["x", "y"]})
    assert [row["a"] for row in rows("log.parquet", table, "parquet")] == [None, "2.5"]
    assert [row["a"] for row in rows("log.jsonl", b'{"a": NaN, "b": 1}\n{"a": 2.5}\n', "jsonl")] == [None, "2.5"]


def test_members_of_objects_inside_are_reached_by_dots(rows):
    content = pa.table({"user": [{"id": 7, "device": {"os": "x"}}, None], "b": ["1", "2"]})
    expected = [("7", "x", "1"), (None, None, "2")]
    columns = ("user.id", "user.device.os", "b")
    found = rows("log.parquet", content, "parquet", columns)
    assert [tuple(row[name] for name in columns) for row in found] == expected
    lines = b'{"user": {"id": 7, "device": {"os": "x"}}, "b": 1}\n{"user": null, "b": 2}\n'
    assert [tuple(row[name] for name in columns) for row in rows("log.jsonl", lines, "jsonl", columns)] == expected


def test_a_parquet_column_of_lists_is_an_error_that_names_it(rows):
    with pytest.raises(LandingError, match=r"column `a` is of type list<.*>, which is no single value"):
        rows("list.parquet", pa.table({"a": [[1]], "b": [1]}), "parquet")


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
