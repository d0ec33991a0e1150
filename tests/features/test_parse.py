from __future__ import annotations

import pytest

from conf.dataset import Dataset
from conf.landing import Measure, TimeColumn
from features.arrival import with_duplicate_flag
from features.parse import identity, instant, number, parsed_impressions

SHANGHAI = "Asia/Shanghai"


def moments(table, time, zone, texts):
    rows = table("position int, t string", list(enumerate(texts)))
    read = rows.select("position", instant(time, zone).cast("string").alias("moment")).orderBy("position")
    return [row["moment"] for row in read.collect()]


@pytest.mark.parametrize(
    ("unit", "value"),
    [("s", "1700000000.5"), ("ms", "1700000000500"), ("us", "1700000000500000"), ("ms", "1.7000000005e12")],
)
def test_epoch_times_are_read_in_their_unit(table, unit, value):
    assert moments(table, TimeColumn(column="t", unit=unit), SHANGHAI, [value]) == ["2023-11-14 22:13:20.5"]


def test_epoch_times_that_are_no_number_or_absurd_cannot_be_read(table):
    garbage = ["abc", "", None, "nan", "inf", "-Infinity", "1e30", "1700000000x"]
    assert moments(table, TimeColumn(column="t", unit="s"), SHANGHAI, garbage) == [None] * len(garbage)


def test_text_without_an_offset_is_local_time(table):
    texts = ["2026-01-01 10:00:00", "2026-01-01T10:00", "2026-01-01T10:00:00.000000"]
    assert moments(table, TimeColumn(column="t"), SHANGHAI, texts) == ["2026-01-01 02:00:00"] * 3


def test_a_day_without_a_time_is_its_local_midnight(table):
    assert moments(table, TimeColumn(column="t"), SHANGHAI, ["2026-01-01"]) == ["2025-12-31 16:00:00"]


def test_the_columns_own_zone_goes_before_the_data_sets(table):
    time = TimeColumn(column="t", zone="Europe/Berlin")
    assert moments(table, time, SHANGHAI, ["2026-01-01 10:00:00"]) == ["2026-01-01 09:00:00"]


def test_text_with_an_offset_is_taken_at_its_word(table):
    texts = ["10:00:00Z", "10:00:00 UTC", "18:00:00+08:00", "18:00:00+0800", "18:00:00+08", "05:00:00.000-05:00"]
    read = moments(table, TimeColumn(column="t"), SHANGHAI, [f"2026-01-01T{text}" for text in texts])
    assert read == ["2026-01-01 10:00:00"] * len(texts)


def test_microseconds_are_kept(table):
    read = moments(table, TimeColumn(column="t"), "UTC", ["2026-01-01 23:59:59.999999"])
    assert read == ["2026-01-01 23:59:59.999999"]


def test_text_that_is_no_full_date_cannot_be_read(table):
    garbage = ["garbage", "10:30", "2026", "2026-02-30 00:00:00", "2026-01-01 25:00:00", "now", "12345-01-01 00:00:00"]
    garbage += ["2026-01-01 10:00:00 Mars/Olympus", "", None]
    assert moments(table, TimeColumn(column="t"), SHANGHAI, garbage) == [None] * len(garbage)


def test_a_pattern_is_local_time_though_its_year_looks_like_an_offset(table):
    time = TimeColumn(column="t", pattern="HH:mm dd-MM-yyyy")
    assert moments(table, time, SHANGHAI, ["10:00 01-02-2026", "not so"]) == ["2026-02-01 02:00:00", None]


def test_a_pattern_with_an_offset_is_taken_at_its_word(table):
    time = TimeColumn(column="t", pattern="yyyy-MM-dd'T'HH:mm:ssXXX")
    assert moments(table, time, SHANGHAI, ["2026-01-01T10:00:00+01:00"]) == ["2026-01-01 09:00:00"]


def test_numbers_are_finite_or_missing(table):
    texts = ["1.5", " -2 ", "1e3", "nan", "NaN", "inf", "-Infinity", "1e400", "1,5", "0x10", "", None]
    rows = table("position int, t string", list(enumerate(texts)))
    read = [row[0] for row in rows.orderBy("position").select(number("t")).collect()]
    assert read == [1.5, -2.0, 1000.0] + [None] * 9


def test_compound_ids_with_the_same_letters_in_other_places_stay_apart(table):
    rows = table("a string, b string", [["x-1", "2"], ["x", "1-2"], ["x", None]])
    found = [row[0] for row in rows.select(identity(["a", "b"])).collect()]
    assert found[0] != found[1]
    assert found[2] is None


LANDED = "impression_id string, user string, ad string, shown_at string, slot string, bid string"
WHERE = "_file string, _row bigint, _text string, _reject string"


def parsed(table, dataset: Dataset, **changed):
    row = {"impression_id": "i", "user": "u", "ad": "a", "shown_at": "2026-01-10 12:00:00", "slot": "top", "bid": "1"}
    row |= {"_file": "f.csv", "_row": 7, "_text": None, "_reject": None} | changed
    landed = table(f"{LANDED}, {WHERE}", [list(row.values())])
    return parsed_impressions(landed, dataset, [name for name in row if not name.startswith("_")]).first()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"impression_id": " "}, "no impression id in impression_id"),
        ({"shown_at": "yesterday"}, "time in shown_at cannot be read"),
        ({"user": ""}, "no user_id in the row"),
        ({"ad": None}, "no ad_id in the row"),
        ({"_reject": "3 fields where the header has 6"}, "3 fields where the header has 6"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(table, dataset, changed, reason):
    assert parsed(table, dataset, **changed)["_reject"] == reason


def test_a_rejected_row_keeps_what_it_said(table, dataset):
    row = parsed(table, dataset, shown_at="yesterday")
    assert (row["_file"], row["_row"]) == ("f.csv", 7)
    assert "shown_at=yesterday" in row["_text"]
    assert "user=u" in row["_text"]


def test_a_missing_context_value_does_not_reject_a_row(table, dataset):
    for nothing in ("", "NULL", "n/a", "nan", "\\N", None):
        row = parsed(table, dataset, slot="", bid=nothing)
        assert (row["slot"], row["bid"], row["_reject"]) == (None, None, None)


@pytest.mark.parametrize("bid", ["cheap", "1.5 EUR", "0x10", "inf", "1,5"])
def test_text_in_the_place_of_a_number_rejects_its_row(table, dataset, bid):
    assert parsed(table, dataset, bid=bid)["_reject"] == "`bid` holds text that is no number"


def test_a_whole_number_is_the_same_id_with_and_without_a_fraction(table, dataset):
    row = parsed(table, dataset, user="1234567.0", ad="7", slot="-3.00", impression_id="a1.0")
    assert (row["user_id"], row["ad_id"], row["slot"], row["impression_id"]) == ("1234567", "7", "-3", "a1.0")


@pytest.mark.parametrize("user", ["1.23457E+11", "1e+20", "1.5E18"])
def test_a_number_that_was_rounded_is_no_id(table, dataset, user):
    assert parsed(table, dataset, user=user)["_reject"] == "`user` holds a rounded number, which is no id"


def test_an_id_that_only_looks_like_a_number_is_one(table, dataset):
    ids = ["1e10", "5E7", "12e+5", "1.0.0", "0x1p3", "1e+1a"]
    assert [parsed(table, dataset, user=user)["user_id"] for user in ids] == ids


def test_text_in_the_place_of_a_measured_outcome_rejects_its_row(table, dataset):
    log = dataset.impressions.model_copy(
        update={"outcomes": ("slot",), "measures": {"watched": Measure(columns=("slot",))}}
    )
    row = parsed(table, dataset.model_copy(update={"impressions": log}), slot="long")
    assert row["_reject"] == "`slot` holds text that is no number"


def test_an_impression_belongs_to_its_local_day(table, dataset):
    assert str(parsed(table, dataset, shown_at="2026-01-10T23:30:00Z")["dt"]) == "2026-01-11"


@pytest.mark.parametrize(
    ("said", "clicked", "reason"), [("1", 1, None), ("0", 0, None), ("1.0", 1, None), ("", None, "no label in the row")]
)
def test_an_inline_label_is_read_by_its_value(table, inline, said, clicked, reason):
    schema = f"user string, ad string, time_ms string, tab string, click string, {WHERE}"
    landed = table(schema, [["u", "a", "1700000000000", "1", said, "f", 2, None, None]])
    row = parsed_impressions(landed, inline, ["user", "ad", "time_ms", "tab", "click"]).first()
    assert (row["clicked"], row["_reject"]) == (clicked, reason)


def test_the_first_usable_row_by_file_and_position_is_kept(table):
    rows = [["k", "b", 1, None], ["k", "a", 3, None], ["k", "a", 1, "broken"], ["k", "a", 2, None], ["m", "b", 2, None]]
    landed = table("key string, _file string, _row bigint, _reject string", rows)
    flagged = with_duplicate_flag(landed, ["key"]).where("_reject is null and not _duplicate").collect()
    assert sorted((row["key"], row["_file"], row["_row"]) for row in flagged) == [("k", "a", 2), ("m", "b", 2)]
