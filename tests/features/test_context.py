from __future__ import annotations

from datetime import date

from conf.dataset import Dataset
from features.context import pair_id, with_attributes, with_calendar, with_derived

DAY = date(2026, 1, 10)


def test_a_pair_is_user_ad_and_the_context_known_at_scoring(table, dataset):
    schema = "impression_id string, user_id string, ad_id string, slot string, bid double"
    rows = [["i1", "u", "a", "top", 1.0], ["i2", "u", "a", "top", 9.0], ["i3", "u", "a", "side", 1.0]]
    found = [row[0] for row in table(schema, rows).select(pair_id(dataset)).collect()]
    assert found[0] == found[1] != found[2]


def test_a_missing_part_makes_a_pair_of_its_own(table, dataset):
    rows = table("user_id string, ad_id string, slot string", [["u", "a", None], ["u", "a", "top"], ["u", None, "a"]])
    found = [row[0] for row in rows.select(pair_id(dataset)).collect()]
    assert len(set(found)) == 3
    assert None not in found


def test_the_pair_of_a_replayed_log_is_the_impression(table, inline):
    assert table("impression_id string", [["i1"]]).select(pair_id(inline)).first()[0] == "i1"


def test_a_key_without_attributes_is_kept_with_missing_ones(table, dataset):
    pairs = table("dt date, ad_id string", [[DAY, "known"], [DAY, "new"]])
    campaigns = table("ad_id string, campaign_id string", [["known", "c1"]])
    found = with_attributes(pairs, lambda name: campaigns, dataset).collect()
    assert {row["ad_id"]: row["campaign_id"] for row in found} == {"known": "c1", "new": None}


def test_attribute_dates_become_ages_on_the_pairs_day(table, dataset):
    content = dataset.model_dump()
    content["attributes"]["ads"]["dates"] = ["launched"]
    aged = Dataset.model_validate(content)
    pairs = table("dt date, ad_id string", [[DAY, "a"], [DAY, "b"]])
    ads = table("ad_id string, campaign_id string, launched date", [["a", "c", date(2026, 1, 1)], ["b", "c", None]])
    found = with_attributes(pairs, lambda name: ads, aged).collect()
    assert {row["ad_id"]: row["launched_age_days"] for row in found} == {"a": 9.0, "b": None}
    assert "launched" not in found[0]


def test_the_weekday_is_the_days_and_the_hour_is_local(table, inline, utc):
    pairs = table("dt date, event_time timestamp", [[DAY, utc("2026-01-09T23:30:00")]])
    row = with_calendar(pairs, inline).first()
    assert (row["weekday"], row["hour"]) == ("Sat", "7")


def test_without_a_time_at_scoring_there_is_no_hour(table, dataset):
    assert "hour" not in with_calendar(table("dt date", [[DAY]]), dataset).columns


def test_a_band_holds_its_lower_edge_and_not_its_upper_one(table, dataset):
    content = dataset.model_dump() | {"derived": {"price": {"column": "bid", "edges": [1, 2.5]}}}
    content["candidates"]["context"]["numeric"] = ["bid"]
    rows = table("bid double", [[0.9], [1.0], [2.4], [2.5], [None]])
    found = with_derived(rows, Dataset.model_validate(content)).collect()
    assert [row["price"] for row in found] == ["<1", "1..2.5", "1..2.5", ">=2.5", None]


def test_the_first_part_of_a_text_is_a_column_of_its_own(table, dataset):
    content = dataset.model_dump() | {"derived": {"first": {"column": "campaign_id", "first_of": ","}}}
    rows = table("campaign_id string", [["12,7"], ["12"], [" 5 ,1"], [",1"], [None]])
    found = with_derived(rows, Dataset.model_validate(content)).collect()
    assert [row["first"] for row in found] == ["12", "12", "5", None, None]
