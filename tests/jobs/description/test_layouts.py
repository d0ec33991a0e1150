from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from conf.landing import Files, TimeColumn
from features.parse import instant, number
from jobs.landing.discovery import LandingFile, all_files
from jobs.landing.reader import rows_of


def read(folder, text, columns, name="log.csv", **layout):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    kind = "jsonl" if name.endswith("jsonl") else "csv"
    blocks = rows_of(LandingFile(path, name, None), Files(files=name, format=kind, **layout), columns)
    return [tuple(row[column] for column in columns) for block in blocks for row in block.to_pylist()]


def test_a_file_without_a_header_takes_its_names_from_the_description(tmp_path):
    rows = read(tmp_path, "a;1\nb;2\n", ["n", "key"], header=["key", "n"], delimiter=";")

    assert rows == [("1", "a"), ("2", "b")]


def test_two_new_names_may_stand_for_one_column(tmp_path):
    assert read(
        tmp_path, "C1,Ad Id\nx,y\n", ["c1", "ad", "again"], rename={"c1": "C1", "ad": "Ad Id", "again": "C1"}
    ) == [("x", "y", "x")]


def test_a_dotted_name_reaches_into_an_object_unless_a_member_has_that_name(tmp_path):
    text = '{"a": {"b": 1}, "c.d": 2}\n'

    assert read(tmp_path, text, ["x", "y"], "log.jsonl", rename={"x": "a.b", "y": "c.d"}) == [("1", "2")]


@pytest.mark.parametrize("origin", ["2017-01-01", date(2017, 1, 1), "2017-01-01T01:00:00+01:00"])
def test_numbers_count_from_the_origin(engine, origin):
    rows = engine.createDataFrame([("90",)], "t string")
    time = TimeColumn.model_validate({"column": "t", "unit": "s", "origin": origin})

    assert str(rows.select(instant(time, "UTC")).first()[0]) == "2017-01-01 00:01:30"


def test_an_origin_of_text_is_refused():
    with pytest.raises(ValidationError, match="`origin` belongs to numbers"):
        TimeColumn.model_validate({"column": "t", "origin": "2017-01-01"})


@pytest.mark.parametrize(("text", "value"), [("0,35", 0.35), ("1.234,5", 1234.5), ("7", 7.0), ("x", None)])
def test_a_decimal_comma_is_read(engine, text, value):
    assert engine.createDataFrame([(text,)], "t string").select(number("t", ",")).first()[0] == value


def test_the_days_of_a_nested_date_are_found(tmp_path):
    for name in ("2026/01/05/p-3.csv", "2026/01/06/p-4.csv", "2026/tmp/06/p-4.csv"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()

    found = all_files(tmp_path, Files(files="{date:%Y/%m/%d}/p-*.csv", format="csv"))

    assert [file.day for file in found] == [date(2026, 1, 5), date(2026, 1, 6)]
