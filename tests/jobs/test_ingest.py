from __future__ import annotations

from datetime import timedelta

import pytest
from landing_files import FIRST, impression, land, land_inline
from table_content import content, differences

from conf.errors import FeedBlocked, LandingError
from jobs.ingest import ingest

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


def ids(workspace, table="impressions"):
    return sorted(row["impression_id"] for row in workspace.store.rows(table))


def arrivals(workspace):
    return {row["impression_id"]: row["arrived"] for row in workspace.store.rows("impressions")}


def quarantined(workspace):
    columns = ("file", "position", "reason")
    return sorted(tuple(row[name] for name in columns) for row in workspace.store.rows("quarantine"))


def balance(workspace, source, night=FIRST):
    [row] = [row for row in workspace.store.rows("landings") if (row["source"], row["dt"]) == (source, night)]
    return {name: row[name] for name in ("landed", "used", "duplicates", "quarantined")}


def test_what_landed_is_published_under_its_night(tiny):
    land(
        tiny.data,
        FIRST,
        impressions=[impression("i1", FIRST, "00:30:00"), impression("i2", FIRST)],
        clicks=[("i1", f"{FIRST} 01:00:00")],
        campaigns={"a1": "c1"},
        candidates=[("u1", "a1", "top")],
    )
    ingest(tiny, FIRST)
    [first, _] = sorted(tiny.store.rows("impressions"), key=lambda row: row["event_time"])
    assert (first["dt"], first["arrived"], first["slot"], first["bid"]) == (FIRST, FIRST, "top", 1.5)
    assert first["event_time"].isoformat() == "2026-01-09T23:30:00+00:00"
    assert [(row["impression_id"], row["dt"]) for row in tiny.store.rows("clicks")] == [("i1", FIRST)]
    assert [(row["ad_id"], row["dt"]) for row in tiny.store.rows("attributes_ads")] == [("a1", FIRST)]
    assert [(row["user_id"], row["dt"]) for row in tiny.store.rows("candidates")] == [("u1", SECOND)]


def test_the_same_night_twice_gives_equal_tables(tiny):
    rows = [impression("i1", FIRST), impression("i1", FIRST), ("", "u", "a", "never", "top", "1")]
    land(tiny.data, FIRST, impressions=rows, clicks=[("i1", f"{FIRST} 13:00:00")], campaigns={"a1": "c1"})
    ingest(tiny, FIRST)
    once = content(tiny)
    ingest(tiny, FIRST)
    assert differences(once, content(tiny)) == {}


def test_a_night_that_is_run_again_takes_in_what_changed(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST), impression("i2", FIRST)])
    ingest(tiny, FIRST)
    land(tiny.data, FIRST, impressions=[impression("i2", FIRST), impression("i3", FIRST)])
    ingest(tiny, FIRST)
    assert ids(tiny) == ["i2", "i3"]


def test_a_night_that_is_run_again_forgets_files_that_were_taken_away(tiny):
    rows = {"impressions": [impression("i1", FIRST)], "clicks": [("i1", f"{FIRST} 13:00:00")]}
    folder = land(tiny.data, FIRST, **rows, campaigns={"a1": "c1"}, candidates=[("u1", "a1", "top")])
    ingest(tiny, FIRST)
    for name in ("clicks.jsonl", "ads.csv", "candidates.csv"):
        (folder / name).unlink()
    ingest(tiny, FIRST)
    assert {name: len(tiny.store.rows(name)) for name in ("clicks", "attributes_ads", "candidates")} == {
        "clicks": 0,
        "attributes_ads": 0,
        "candidates": 0,
    }


def test_the_same_row_in_two_files_is_used_once(tiny):
    for part in ("-1", "-2"):
        land(tiny.data, FIRST, impressions=[impression("i1", FIRST), impression(f"i{part}", FIRST)], part=part)
    ingest(tiny, FIRST)
    assert ids(tiny) == ["i-1", "i-2", "i1"]
    assert balance(tiny, "impressions") == {"landed": 4, "used": 3, "duplicates": 1, "quarantined": 0}


def test_a_row_that_an_earlier_night_brought_is_a_duplicate(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST)], clicks=[("i1", f"{FIRST} 13:00:00")])
    land(
        tiny.data,
        SECOND,
        impressions=[impression("i1", FIRST), impression("i2", SECOND)],
        clicks=[("i1", f"{FIRST} 13:00:00"), ("i1", f"{FIRST} 13:00:01")],
    )
    ingest(tiny, FIRST)
    ingest(tiny, SECOND)
    assert arrivals(tiny) == {"i1": FIRST, "i2": SECOND}
    assert balance(tiny, "impressions", SECOND)["duplicates"] == 1
    assert balance(tiny, "clicks", SECOND) == {"landed": 2, "used": 1, "duplicates": 1, "quarantined": 0}


def test_a_broken_row_does_not_make_the_good_one_a_duplicate(tiny):
    broken = ("i1", "", "a1", f"{FIRST} 09:00:00", "top", "1")
    land(tiny.data, FIRST, impressions=[broken, impression("i1", FIRST)])
    ingest(tiny, FIRST)
    assert ids(tiny) == ["i1"]
    assert balance(tiny, "impressions") == {"landed": 2, "used": 1, "duplicates": 0, "quarantined": 1}


def test_rows_that_cannot_be_used_go_to_quarantine_with_place_text_and_reason(tiny):
    folder = land(tiny.data, FIRST, impressions=[impression("i1", FIRST)], clicks=[])
    with (folder / "impressions.csv").open("a", encoding="utf-8") as stream:
        stream.write("only,three,fields\n")
        stream.write("i3,u3,a3,yesterday,top,1\n")
    (folder / "clicks.jsonl").write_text('{"impression_id": "i1"}\nno json\n', encoding="utf-8")
    ingest(tiny, FIRST)
    assert quarantined(tiny) == [
        (f"{FIRST}/clicks.jsonl", 1, "time in clicked_at cannot be read"),
        (f"{FIRST}/clicks.jsonl", 2, "no JSON: Expecting value: line 1 column 1 (char 0)"),
        (f"{FIRST}/impressions.csv", 3, "3 fields where the header has 6"),
        (f"{FIRST}/impressions.csv", 4, "time in shown_at cannot be read"),
    ]
    texts = {row["position"]: row["text"] for row in tiny.store.rows("quarantine") if row["source"] == "impressions"}
    assert texts[3] == "only,three,fields"
    assert "shown_at=yesterday" in texts[4]


def test_a_broken_row_with_bytes_that_are_no_text_costs_the_file_nothing_else(tiny):
    folder = land(tiny.data, FIRST, impressions=[impression("i1", FIRST)], clicks=[("i1", f"{FIRST} 13:00:00")])
    for name, broken in (("impressions.csv", b"i2,\xff\xfe\n"), ("clicks.jsonl", b'{"impression_id": "\xff"\n')):
        with (folder / name).open("ab") as stream:
            stream.write(broken)
    ingest(tiny, FIRST)
    assert ids(tiny) == ["i1"]
    assert quarantined(tiny) == [
        (f"{FIRST}/clicks.jsonl", 2, "bytes that are no text in utf-8"),
        (f"{FIRST}/impressions.csv", 3, "2 fields where the header has 6"),
    ]


def test_a_column_that_is_of_another_type_on_the_next_day_gives_right_rows_or_quarantined_ones(tiny):
    """Ids come as whole numbers, then as fractions; the bid as a number, then as text in one row."""
    land(tiny.data, FIRST, impressions=[("1", "7", "3", f"{FIRST} 12:00:00", "1", "1")])
    second = [
        ("2", "7.0", "3.0", f"{SECOND} 12:00:00", "1.0", "1.5"),
        ("3", "7", "3", f"{SECOND} 12:00:00", "1", "low"),
    ]
    land(tiny.data, SECOND, impressions=second)
    ingest(tiny, FIRST)
    ingest(tiny, SECOND)
    columns = ("user_id", "ad_id", "slot", "bid")
    rows = [tuple(row[name] for name in columns) for row in tiny.store.rows("impressions")]
    assert sorted(rows) == [("7", "3", "1", 1.0), ("7", "3", "1", 1.5)]
    assert quarantined(tiny) == [(f"{SECOND}/impressions.csv", 3, "`bid` holds text that is no number")]


def test_a_column_that_comes_or_goes_between_days_is_left_out_or_an_error_that_names_it(tiny):
    header = "impression_id,user,ad,shown_at,slot,bid"
    wider = tiny.data / str(FIRST) / "impressions.csv"
    wider.parent.mkdir()
    wider.write_text(f"new,{header}\nx,i1,u1,a1,{FIRST} 12:00:00,top,1\n", encoding="utf-8")
    ingest(tiny, FIRST)
    assert ids(tiny) == ["i1"]
    narrower = tiny.data / str(SECOND) / "impressions.csv"
    narrower.parent.mkdir()
    narrower.write_text(f"{header.removesuffix(',bid')}\ni2,u1,a1,{SECOND} 12:00:00,top\n", encoding="utf-8")
    with pytest.raises(LandingError, match=rf"{SECOND}/impressions\.csv has no column `bid`; it has: `impression_id`"):
        ingest(tiny, SECOND)


def test_late_rows_count_up_to_the_last_late_day_and_rows_of_the_future_never(tiny):
    days = {f"i{back}": THIRD - timedelta(days=back) for back in range(-1, 4)}
    land(tiny.data, THIRD, impressions=[impression(name, day) for name, day in days.items()])
    ingest(tiny, THIRD)
    assert ids(tiny) == ["i0", "i1", "i2"]
    reasons = [reason for *_, reason in quarantined(tiny)]
    assert reasons == [
        f"dated after {THIRD}, the day it arrived",
        f"dated before {FIRST}, more than 2 days before it arrived",
    ]


def test_the_balance_of_every_source_closes(tiny):
    rows = [impression("i1", FIRST), impression("i1", FIRST), ("i2", "", "a1", f"{FIRST} 09:00:00", "top", "1")]
    clicks = [("i1", f"{FIRST} 13:00:00"), ("i1", f"{FIRST} 13:00:00"), ("", f"{FIRST} 13:00:00")]
    land(tiny.data, FIRST, impressions=rows, clicks=clicks, campaigns={"a1": "c1", "": "c2"})
    ingest(tiny, FIRST)
    found = tiny.store.rows("landings")
    assert {row["source"] for row in found} == {"impressions", "clicks", "attributes_ads"}
    assert all(row["landed"] == row["used"] + row["duplicates"] + row["quarantined"] for row in found)
    assert balance(tiny, "clicks") == {"landed": 3, "used": 1, "duplicates": 1, "quarantined": 1}


def test_too_many_rejected_rows_stop_the_night_and_leave_the_tables_alone(make_workspace):
    strict = make_workspace("click_log", feed={"max_quarantined_share": 0.2, "min_ctr": 0.0})
    land(strict.data, FIRST, impressions=[impression(f"i{n}", FIRST) for n in range(4)])
    ingest(strict, FIRST)
    before = content(strict)
    rows = [impression("i4", SECOND), ("i5", "u", "a", "never", "top", "1"), impression("i6", SECOND)]
    land(strict.data, SECOND, impressions=rows, campaigns={"a1": "c1"}, candidates=[("u", "a", "top")])
    with pytest.raises(FeedBlocked) as caught:
        ingest(strict, SECOND)
    assert f"{SECOND}/impressions.csv row 3: time in shown_at cannot be read" in str(caught.value)
    assert differences(before, content(strict)) == {}


def test_a_date_without_files_tells_which_days_have_some(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST)])
    with pytest.raises(LandingError, match=rf"No landing file of impressions for {THIRD}.*{FIRST} to {FIRST}"):
        ingest(tiny, THIRD)
    assert ids(tiny) == []


def test_an_unreadable_file_stops_the_night_before_anything_is_published(tiny):
    folder = land(tiny.data, FIRST, impressions=[impression("i1", FIRST)])
    (folder / "candidates.csv").touch()
    with pytest.raises(LandingError, match=r"candidates\.csv is empty"):
        ingest(tiny, FIRST)
    assert ids(tiny) == []


def test_a_file_that_came_after_its_night_is_taken_in_by_the_next_and_stays_with_it(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST)])
    land(tiny.data, SECOND, impressions=[impression("i2", SECOND)])
    ingest(tiny, FIRST)
    land(tiny.data, FIRST, impressions=[impression("late", FIRST)], part="-late")
    ingest(tiny, SECOND)
    expected = {"i1": FIRST, "late": SECOND, "i2": SECOND}
    assert arrivals(tiny) == expected
    ingest(tiny, FIRST)
    ingest(tiny, SECOND)
    assert arrivals(tiny) == expected
    assert len(ids(tiny)) == 3


def test_a_night_without_a_click_file_has_no_clicks(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST)])
    ingest(tiny, FIRST)
    assert ids(tiny, "clicks") == []
    assert balance(tiny, "clicks") == {"landed": 0, "used": 0, "duplicates": 0, "quarantined": 0}


LOG = [
    ("u1", "a1", "2026-01-10T00:00:00+08:00", "1", "1"),
    ("u1", "a2", "2026-01-10T23:59:59+08:00", "1", "0"),
    ("u2", "a1", "2026-01-11T00:00:00+08:00", "2", "1"),
]


def test_a_file_of_all_days_gives_each_night_its_local_day(tiny_inline):
    land_inline(tiny_inline.data, LOG)
    ingest(tiny_inline, FIRST)
    assert [row["ad_id"] for row in tiny_inline.store.rows("impressions")] == ["a1", "a2"]
    ingest(tiny_inline, SECOND)
    assert sorted(arrivals(tiny_inline).values()) == [FIRST, FIRST, SECOND]


def test_replayed_candidates_are_the_next_days_impressions_without_their_labels(tiny_inline):
    land_inline(tiny_inline.data, LOG)
    ingest(tiny_inline, FIRST)
    [pair] = tiny_inline.store.rows("candidates")
    assert (pair["dt"], pair["user_id"], pair["ad_id"], pair["tab"]) == (SECOND, "u2", "a1", "2")
    assert "clicked" not in pair


def test_rows_without_a_day_are_counted_once_over_all_nights(tiny_inline):
    path = land_inline(tiny_inline.data, LOG)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("u3,a3,never,1,0,0\n")
    ingest(tiny_inline, FIRST)
    ingest(tiny_inline, SECOND)
    [row] = tiny_inline.store.rows("quarantine")
    assert (row["dt"], row["position"], row["reason"]) == (FIRST, 5, "time in time_ms cannot be read")


def test_a_day_that_the_file_does_not_hold_is_an_error(tiny_inline):
    land_inline(tiny_inline.data, LOG)
    with pytest.raises(LandingError, match=rf"hold no row of {THIRD} \(days in Asia/Shanghai\)"):
        ingest(tiny_inline, THIRD)
