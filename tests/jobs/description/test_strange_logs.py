"""Drafts of logs as ad servers, lakes and bandits write them; each passes the check with the clicks that it holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.dataset import Dataset, load_dataset
from conf.errors import SettingsError
from conf.landing import ClickLog, Files, InlineLabel, TimeColumn
from features.parse import instant
from jobs.description.check import check
from jobs.description.draft import drafted
from jobs.description.found_files import found_in
from jobs.description.profiles import profile_of
from jobs.description.roles import roles_of
from jobs.description.sampling import names_in
from jobs.description.times import spelling_of
from jobs.landing.discovery import LandingFile
from jobs.landing.reader import can_go_on

BEGIN = datetime(2026, 2, 3, tzinfo=UTC)


def shown_at(number: int) -> datetime:
    return BEGIN + timedelta(minutes=4 * number)


def written(folder: Path, name: str, lines: list[str]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def drafted_and_checked(data: Path, engine) -> tuple[Dataset, dict]:
    file = data.with_suffix(".yaml")
    file.write_text(drafted(data, "mine"), encoding="utf-8")
    dataset = load_dataset(str(file))
    report = check(dataset, data, engine)
    assert report.usable, report.findings
    return dataset, report.log


def test_an_id_that_reads_like_a_huge_power_is_no_number():
    profile = profile_of(pd.Series(["12e4567890123456", "99e2147483648", "1f"], name="id", dtype=object))

    assert not profile.numeric


def test_a_time_that_is_there_where_it_was_clicked_is_the_label(tmp_path, engine):
    data, numbers = tmp_path / "log", range(300)
    data.mkdir()
    clicked = [shown_at(n) + timedelta(seconds=30) if n % 9 == 0 else None for n in numbers]
    columns = {
        "Served At": pa.array([shown_at(n) for n in numbers], pa.timestamp("us", tz="America/New_York")),
        "creative": pa.array([n % 7 for n in numbers], pa.int32()),
        "ctx": pa.array([{"slot": ("top", "side")[n % 2]} for n in numbers]),
        "tags": pa.array([["a", "b"] for _ in numbers]),
        "clicked_at": pa.array(clicked, pa.timestamp("us", tz="America/New_York")),
    }
    pq.write_table(pa.table(columns), data / "log.parquet")

    dataset, log = drafted_and_checked(data, engine)

    assert dataset.label == InlineLabel(kind="inline", column="clicked_at", clicked_if="present")
    assert dataset.impressions.context.categorical == ("ctx_slot",)
    assert log["clicks"] == 34


def test_columns_that_differ_by_upper_case_alone_get_names_that_do_not(tmp_path, engine):
    rows = [f"{shown_at(n):%Y-%m-%d %H:%M:%S},{int(n % 9 == 0)},u{n % 40},a{n % 5},{n % 2},{n % 3}" for n in range(300)]
    written(tmp_path / "log", "log.csv", ["time,click,User,ad,user,USER", *rows])

    dataset, log = drafted_and_checked(tmp_path / "log", engine)

    assert dataset.impressions.user == "User"
    assert dataset.impressions.rename == {"log_user": "user", "log_user_2": "USER"}
    assert log["clicks"] == 34


def test_a_count_of_clicks_is_the_label(tmp_path, engine):
    rows = [
        f"{n},{shown_at(n):%m/%d/%Y %I:%M:%S %p},{n:016x},t{n % 5},{n % 2 + 1 if n % 9 == 0 else 0}" for n in range(300)
    ]
    written(tmp_path / "log", "train.csv", [",DateTime,Session ID,Topic,Clicks", *rows])

    dataset, log = drafted_and_checked(tmp_path / "log", engine)

    assert dataset.label == InlineLabel(kind="inline", column="Clicks", clicked_if="above_zero")
    assert dataset.impressions.id == ("Session ID",)
    assert log["clicks"] == 34


def test_the_cost_of_a_bandit_is_the_label_and_its_action_the_ad(tmp_path, engine):
    rows = [
        {
            "_label_cost": -1.0 if n % 9 == 0 else -0.0,
            "_label_Action": n % 12 + 1,
            "Timestamp": shown_at(n).strftime("%Y-%m-%dT%H:%M:%S.%f0Z"),
            "EventId": f"{n:04x}",
            "c": {"slot": ("top", "side")[n % 2]},
        }
        for n in range(300)
    ]
    written(tmp_path / "log", "decisions.json", [json.dumps(row) for row in rows])

    dataset, log = drafted_and_checked(tmp_path / "log", engine)

    assert (dataset.impressions.ad, dataset.impressions.user) == ("_label_Action", None)
    assert log["clicks"] == 34


def test_without_a_header_the_only_column_of_two_values_is_the_label(tmp_path, engine):
    rows = [f"{shown_at(n)}\ta{n % 7}\t{n % 5}\t{int(n % 9 == 0)}" for n in range(300)]
    written(tmp_path / "log", "imp_20260203T0700.tsv", rows)

    dataset, log = drafted_and_checked(tmp_path / "log", engine)

    assert dataset.label == InlineLabel(kind="inline", column="column_4")
    assert log["clicks"] == 34


def test_a_stream_of_views_and_clicks_is_told_apart_by_its_column(tmp_path, engine):
    events = []
    for n in range(300):
        events.append((shown_at(n), f"view,r{n},a{n % 7},{('top', 'side')[n % 2]}"))
        if n % 9 == 0:
            events += [(shown_at(n) + timedelta(minutes=late), f"click,r{n},a{n % 7},top") for late in (3, 5)]
    for day in {time.date() for time, _ in events}:
        rows = [f"{time.isoformat()},{row}" for time, row in sorted(events) if time.date() == day]
        written(tmp_path / "log", f"events-{day}.csv", ["event_time,event_type,request_id,ad_id,slot", *rows])

    dataset, log = drafted_and_checked(tmp_path / "log", engine)

    assert isinstance(dataset.label, ClickLog)
    assert (dataset.impressions.where, dataset.label.where) == ({"event_type": ("view",)}, {"event_type": ("click",)})
    assert (log["impressions"], log["clicks"]) == (300, 34)


def test_a_click_log_in_folders_of_hours_names_its_impression_by_auction_and_slot(tmp_path, engine):
    data = tmp_path / "log"
    for n in range(300):
        time, names = shown_at(n), {"id": f"au{n // 2}", "slot": n % 2 + 1}
        row = {"at": int(time.timestamp() * 1000), "auction": names, "device": {"ifa": f"i{n % 31}"}}
        written(data, f"impressions/dt={time:%Y-%m-%d}/hour={time:%H}/part-{n}.json", [json.dumps(row)])
        if n % 9 == 0:
            click = {"ts": int(time.timestamp() * 1000) + 90_000, "auctionId": f"au{n // 2}", "slot": n % 2 + 1}
            written(data, f"clicks/dt={time:%Y-%m-%d}/hour={time:%H}/part-{n}.json", [json.dumps(click)])

    dataset, log = drafted_and_checked(data, engine)

    assert dataset.impressions.id == ("auction.id", "auction.slot")
    assert isinstance(dataset.label, ClickLog)
    assert dataset.label.id == ("auctionId", "slot")
    assert dataset.impressions.user == "device.ifa"
    assert "auction_slot" in dataset.impressions.context.categorical
    assert log["clicks"] == 34


def test_clicks_are_matched_where_their_sample_reaches_further_than_the_impressions(tmp_path, monkeypatch):
    monkeypatch.setattr("jobs.description.found_files.SAMPLE_ROWS", 300)
    shown = [f"r{n},{shown_at(n)},a{n % 7}" for n in range(3_000)]
    clicks = [f"r{n},{shown_at(n) + timedelta(seconds=50)}" for n in range(0, 3_000, 10)]
    written(tmp_path, "shown.csv", ["request_id,time,ad", *shown])
    written(tmp_path, "clicks.csv", ["request,time", *clicks])

    assert "id: [request]" in drafted(tmp_path, "mine")
    assert roles_of(found_in(tmp_path)).clicks is not None


def test_revenue_with_a_decimal_comma_is_an_outcome_and_rows_without_user_are_kept(tmp_path, engine):
    rows = []
    for n in range(300):
        user, clicked = f"K{n % 31}" if n % 20 else "", n % 9 == 0
        income = "2,50" if clicked else "0,00"
        rows.append(
            f"{shown_at(n):%d.%m.%Y %H:%M:%S};{user};{('Handy', 'PC')[n % 2]};{income};{'ja' if clicked else 'nein'}"
        )
    written(tmp_path / "log", "Export.csv", ["Zeitpunkt;Kunden-Nr.;Gerät;Betrag;geklickt?", *rows])

    dataset, log = drafted_and_checked(tmp_path / "log", engine)

    assert dataset.impressions.outcomes == ("Betrag",)
    assert dataset.impressions.anonymous == "anonymous"
    assert "Kunden-Nr." not in dataset.impressions.id
    assert (log["impressions"], log["clicks"]) == (300, 34)


def test_a_growing_file_of_several_kinds_of_rows_is_read_anew(tmp_path):
    written(tmp_path, "events.csv", ["kind,id", "view,1", "click,1"])
    file = LandingFile(tmp_path / "events.csv", "events.csv", None)
    layout = Files(files="events.csv", format="csv")

    assert can_go_on(file, layout)
    assert not can_go_on(file, layout.model_copy(update={"where": {"kind": ("view",)}}))


@pytest.mark.parametrize("clicked_if", ["present", "above_zero"])
def test_a_click_is_told_in_one_way(clicked_if):
    with pytest.raises(ValueError, match="`clicked` names a value"):
        InlineLabel.model_validate({"kind": "inline", "column": "c", "clicked": "1", "clicked_if": clicked_if})


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["2/3/2026 7:15", "12/13/2026 17:05"], "M/d/yyyy H:mm"),
        (["2/3/2026 7:15:09 PM", "12/13/2026 11:05:09 AM"], "M/d/yyyy h:mm:ss a"),
        (["3.2.2026 7:15", "13.12.2026 17:05"], "d.M.yyyy H:mm"),
        (["03.02.26 07:15"], "dd.MM.yy HH:mm"),
        (["03-Feb-2026 07:15:09"], "dd-MMM-yyyy HH:mm:ss"),
        (["2026/02/03 07:15:09.123"], "yyyy/MM/dd HH:mm:ss.SSS"),
    ],
)
def test_times_as_spreadsheets_and_databases_write_them_are_recognised_and_read(engine, texts, pattern):
    found = spelling_of(texts)

    assert found is not None and found.pattern == pattern
    rows = engine.createDataFrame([(text,) for text in texts], "t string")
    read = rows.select(instant(TimeColumn(column="t", pattern=pattern), "UTC")).collect()
    assert all(row[0] is not None and row[0].year == 2026 for row in read)


def test_a_one_where_it_was_clicked_and_nothing_elsewhere_is_the_label(tmp_path):
    rows = [f"{shown_at(n)},a{n % 7},{1 if n % 9 == 0 else ''}" for n in range(300)]
    written(tmp_path, "log.csv", ["time,ad,click", *rows])

    assert "clicked_if: present" in drafted(tmp_path, "mine")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("log.json", '[{"time": 1}]', "one JSON list"), ("train.zip", "PK", "unpack train.zip first")],
)
def test_a_file_that_must_be_changed_first_is_named(tmp_path, name, content, said):
    written(tmp_path, name, [content])

    with pytest.raises(SettingsError, match=said):
        drafted(tmp_path, "mine")


def test_lists_and_objects_in_json_are_no_columns(tmp_path):
    rows = [{"a": 1, "tags": ["x"], "device": {"os": "y", "apps": []}, "empty": {}}, {"a": 2, "more": None}]
    written(tmp_path, "log.jsonl", [json.dumps(row) for row in rows])
    file = LandingFile(tmp_path / "log.jsonl", "log.jsonl", None)

    assert names_in(file, Files(files="log.jsonl", format="jsonl")) == ["a", "device.os", "more"]


def test_a_column_that_is_called_as_a_history_of_the_pipeline_has_one_of_another_name(tmp_path):
    lines = "".join(
        f"2026-02-03 00:{number:02}:00,{int(number % 5 == 0)},u{number % 9},a{number % 7},{number % 2},x{number % 3}\n"
        for number in range(40)
    )
    (tmp_path / "log.csv").write_text(f"time,click,user_id,ad_id,all,user\n{lines}", encoding="utf-8")
    file = tmp_path / "mine.yaml"
    file.write_text(drafted(tmp_path, "mine"), encoding="utf-8")
    histories = load_dataset(str(file)).histories
    assert {"all_context", "user_context"} <= set(histories) and "all" not in histories
