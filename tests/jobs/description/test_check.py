from __future__ import annotations

import json

from conf.dataset import Dataset
from jobs.description.check import check


def wrong(report):
    return [finding.text for finding in report.findings if finding.level == "wrong"]


def doubts(report):
    return [finding.text for finding in report.findings if finding.level == "suspicious"]


def test_a_sound_log_has_no_finding_and_its_facts_are_told(checked):
    report = checked()

    assert report.findings == ()
    assert report.usable
    assert report.log["ctr"] == 0.2
    assert (report.log["users"], report.log["ads"]) == (9, 7)
    assert (report.log["first_time"], report.log["last_time"]) == ("2026-01-10 00:00", "2026-01-11 09:10")
    assert report.kinds[0]["first"][0]["impression_id"] == "i0"


def test_a_missing_column_is_wrong_and_the_nearest_name_is_told(checked):
    report = checked(user="usr")

    assert not report.usable
    assert wrong(report) == ["log.csv has no column `usr`; did you mean `user`?"]


def test_files_that_are_not_there_are_wrong(checked):
    assert wrong(checked(files="logs-{date}.csv")) == [
        "no file matches `logs-{date}.csv`, for example logs-2026-01-31.csv"
    ]


def test_epoch_times_taken_for_text_are_wrong_and_their_unit_is_told(checked):
    report = checked(lambda number, row: row | {"shown": str(1_650_812_741_436 + number)})

    (text,) = wrong(report)
    assert "`1650812741436`" in text
    assert "looks like milliseconds since 1970: `time: {column: shown, unit: ms}`" in text


def test_seconds_taken_for_milliseconds_are_wrong(checked):
    change = lambda number, row: row | {"shown": str(1_650_812_741 + number * 60)}  # noqa: E731

    (text,) = wrong(checked(change, time={"column": "shown", "unit": "ms"}))

    assert "times lie between 1970-01-20 and 1970-01-20" in text
    assert "looks like seconds since 1970" in text


def test_a_label_of_other_values_is_wrong(checked):
    report = checked(lambda number, row: row | {"click": ("no", "yes", "maybe")[number % 3]})

    assert "`click` has 3 values, e.g. `no`, `yes`, `maybe`" in wrong(report)[0]


def test_a_label_whose_click_is_another_value_is_wrong(checked):
    report = checked(lambda number, row: row | {"click": ("no", "yes")[number % 2]})

    assert wrong(report) == ["no row is clicked: `click` holds `no`, `yes`, a click is `1`"]


def test_rows_that_repeat_an_id_are_wrong_where_they_are_many(checked):
    report = checked(lambda number, row: row | {"id": f"i{number // 2}"})

    assert "50% of the rows repeat an id (id)" in wrong(report)[0]


def test_an_outcome_among_the_features_is_suspicious(checked):
    change = lambda number, row: row | {"dwell": "3.5" if row["click"] == "1" else "0"}  # noqa: E731

    (text,) = doubts(checked(change, context={"numeric": ["dwell"]}))

    assert text.startswith(
        "`dwell` looks like an outcome among the features: 100% of the rows in which it says something"
    )


def test_a_feature_that_ranks_clicks_alone_is_suspicious(checked):
    change = lambda number, row: row | {"score": f"{0.1 + 0.8 * int(row['click']) + number / 2000}"}  # noqa: E731

    (text,) = doubts(checked(change, context={"numeric": ["score"]}))

    assert "an AUC of 1.000" in text


def test_a_count_of_past_clicks_is_no_outcome(checked):
    change = lambda number, row: row | {"last_clicks": str(number % 13)}  # noqa: E731

    assert doubts(checked(change, context={"numeric": ["last_clicks"]})) == []


def test_columns_that_say_nothing_are_suspicious(checked):
    change = lambda number, row: row | {"same": "x", "none": "", "own": f"v{number}"}  # noqa: E731

    texts = doubts(checked(change, context={"categorical": ["same", "none", "own"]}))

    assert texts[0] == "`same` is `x` in every row and says nothing"
    assert texts[1] == "`none` is empty in every row"
    assert "`own` is declared categorical but has 200 values in 200 rows" in texts[2]


def test_columns_declared_as_what_they_are_not_are_suspicious(checked):
    change = lambda number, row: row | {"size": f"{number % 30}.25", "kind": "abc"[number % 3]}  # noqa: E731

    report = checked(change, context={"categorical": ["size"], "numeric": ["kind"]})

    assert "`size` is declared categorical but holds fractions" in doubts(report)[0]
    assert wrong(report) == [
        "100% of the rows cannot be used: `kind` is declared numeric and holds `a`, `b`, `c`; "
        "make it categorical if these are no slips"
    ]


def test_a_user_of_its_own_in_every_row_is_suspicious(checked):
    texts = doubts(checked(lambda number, row: row | {"user": f"u{number}"}))

    assert texts == ["nearly every row has a user_id of its own: is it a row's id?"]


def click_log(tmp_path, engine, delay_hours, ids="i{}", window="24h"):
    lines = ["id,shown"] + [f"i{n},2026-01-10 {n // 6:02}:{n % 6}0:00" for n in range(140)]
    (tmp_path / "log.csv").write_text("\n".join(lines), encoding="utf-8")
    base = 10 * 24
    clicks = []
    for n in range(0, 140, 2):
        minutes = base * 60 + n * 10 + round(delay_hours * 60)
        day, rest = divmod(minutes, 1440)
        clicks.append(json.dumps({"id": ids.format(n), "at": f"2026-01-{day:02} {rest // 60:02}:{rest % 60:02}:00"}))
    (tmp_path / "clicks.jsonl").write_text("\n".join(clicks), encoding="utf-8")
    shown = {"files": "log.csv", "format": "csv", "id": ["id"], "time": {"column": "shown"}}
    clicked = {"files": "clicks.jsonl", "format": "jsonl", "id": ["id"], "time": {"column": "at"}}
    described = {
        "name": "small",
        "impressions": shown,
        "label": {"kind": "click_log", "window": window, **clicked},
        "histories": {"weekday": {"keys": ["weekday"]}},
        "candidates": {"kind": "replay"},
    }
    return check(Dataset.model_validate(described), tmp_path, engine)


def test_clicks_that_name_no_impression_are_wrong(tmp_path, engine):
    assert "only 0% of the clicks belong to an impression" in wrong(click_log(tmp_path, engine, 1, "x{}"))[0]


def test_clicks_before_their_impression_are_wrong(tmp_path, engine):
    assert "100% of the clicks come before their impression" in wrong(click_log(tmp_path, engine, -2))[0]


def test_a_window_shorter_than_the_delays_is_suspicious(tmp_path, engine):
    texts = doubts(click_log(tmp_path, engine, 5, window="1h"))

    assert texts == ["100% of the clicks come after the window of 1h and do not count; 99% come within 5 hours"]


def test_a_report_is_plain_json(checked):
    said = json.loads(json.dumps(checked(user="usr").to_dict()))

    assert said["usable"] is False
    assert said["wrong"][0]["source"] == "impressions"
