from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import public_formats
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.dataset import load_dataset
from conf.errors import SettingsError
from conf.landing import ClickLog, InlineLabel
from jobs.description.check import check
from jobs.description.draft import drafted
from jobs.description.found_files import pattern_of
from jobs.description.times import spelling_of


def drafted_dataset(data: Path, folder: Path):
    file = folder / "drafted.yaml"
    file.write_text(drafted(data, "mine"), encoding="utf-8")
    return load_dataset(str(file))


@pytest.mark.parametrize("name", ["criteo_attribution", "avazu", "open_bandit"])
def test_a_draft_of_a_public_format_passes_the_check(name, tmp_path, engine):
    getattr(public_formats, name)(tmp_path / "log", days=2, rows_a_day=400)

    dataset = drafted_dataset(tmp_path / "log", tmp_path)
    ready_made = load_dataset(name)

    assert check(dataset, tmp_path / "log", engine).usable
    assert dataset.impressions.user == ready_made.impressions.user
    assert dataset.impressions.ad == ready_made.impressions.ad
    assert dataset.impressions.time.column == ready_made.impressions.time.column
    assert dataset.impressions.time.pattern == ready_made.impressions.time.pattern
    assert dataset.label == ready_made.label


def test_a_german_log_without_users_is_drafted(tmp_path, engine):
    data = tmp_path / "log"
    data.mkdir()
    for day in range(2, 5):
        lines = ["Zeitpunkt;Anzeigen-Nr;Gerät;Gebot (EUR);Klick"]
        for n in range(200):
            time = f"{day:02}.03.2026 {n // 10:02}:{n % 10 * 6:02}"
            bid = f"{0.1 + n % 37 / 10:.2f}".replace(".", ",")
            lines.append(f"{time};A{n % 7};{('Handy', 'Rechner')[n % 2]};{bid};{'ja' if n % 11 == 0 else 'nein'}")
        (data / f"log_202603{day:02}.csv").write_text("\n".join(lines), encoding="utf-8-sig")

    dataset = drafted_dataset(data, tmp_path)

    shown = dataset.impressions
    assert (shown.files, shown.delimiter, shown.decimal) == ("log_{date:%Y%m%d}.csv", ";", ",")
    assert (shown.user, shown.ad, shown.time.pattern) == (None, "Anzeigen-Nr", "dd.MM.yyyy HH:mm")
    assert (shown.context.categorical, shown.context.numeric) == (("gerat",), ("gebot_eur",))
    assert dataset.label == InlineLabel(kind="inline", column="Klick", clicked="ja")
    assert check(dataset, data, engine).usable


def test_another_encoding_and_words_for_no_value_are_drafted(tmp_path, engine):
    lines = ["id\ttime\tad\tGerät\tprice\tclick"]
    for n in range(300):
        time = f"2026-01-05 {n // 60:02}:{n % 60:02}:00"
        price, device = "\\N" if n % 3 else f"{n / 7:.2f}", ("Büro", "Küche")[n % 2]
        lines.append("\t".join([f"i{n}", time, f"a{n % 5}", device, price, str(int(n % 9 == 0))]))
    data = tmp_path / "log"
    data.mkdir()
    (data / "log.tsv").write_bytes("\n".join(lines).encode("cp1252"))

    dataset = drafted_dataset(data, tmp_path)

    shown = dataset.impressions
    assert (shown.format, shown.encoding, shown.missing) == ("tsv", "cp1252", ("\\N",))
    assert (shown.context.categorical, shown.context.numeric) == (("gerat",), ("price",))
    assert check(dataset, data, engine).usable


def test_one_line_of_broken_bytes_makes_no_other_encoding(tmp_path):
    rows = [f"i{n},2026-01-05 {n // 60:02}:{n % 60:02}:00,a{n % 5},{int(n % 9 == 0)}".encode() for n in range(300)]
    (tmp_path / "log.csv").write_bytes(b"\n".join([b"id,time,ad,click", *rows, b"\xff,,,", b""]))
    assert "encoding" not in drafted(tmp_path, "mine")


def test_hourly_json_lines_with_a_click_log_are_drafted(tmp_path, engine):
    data = tmp_path / "log"
    begin = datetime(2026, 5, 1, tzinfo=UTC)
    for day in range(2):
        folder = data / f"2026-05-{day + 1:02}"
        folder.mkdir(parents=True)
        for hour in (3, 4):
            shown, clicks = [], []
            for n in range(150):
                time = begin + timedelta(days=day, hours=hour, seconds=20 * n)
                name = f"r{day}-{hour}-{n}"
                shown.append({"ts": int(time.timestamp()), "req": {"id": name}, "user": {"id": n % 40}, "ad": n % 6})
                if n % 6 == 0:
                    clicks.append({"req_id": name, "clicked_at": (time + timedelta(minutes=7)).isoformat()})
            for kind, rows in (("shown", shown), ("clicks", clicks)):
                text = "\n".join(map(json.dumps, rows))
                (folder / f"{kind}-{hour:02}.jsonl.gz").write_bytes(gzip.compress(text.encode()))

    dataset = drafted_dataset(data, tmp_path)

    assert isinstance(dataset.label, ClickLog)
    assert dataset.label.files == "{date}/clicks-*.jsonl.gz"
    assert (dataset.impressions.id, dataset.label.id) == (("req.id",), ("req_id",))
    assert (dataset.impressions.user, dataset.impressions.time.unit) == ("user.id", "s")
    assert dataset.label.window == "30m"
    report = check(dataset, data, engine)
    assert report.usable
    assert report.log["clicks"] == 100


def test_parquet_a_day_with_snapshots_of_attributes_is_drafted(tmp_path, engine):
    data = tmp_path / "log"
    for day in (5, 6):
        times = [datetime(2026, 1, day, n // 60, n % 60, tzinfo=UTC) for n in range(300)]
        items = [n * 7 % 50 for n in range(300)]
        clicked = [n % 9 == 0 for n in range(300)]
        dwell = [1.5 + n if n % 9 == 0 else None for n in range(300)]
        users = [n % 31 for n in range(300)]
        shown = {"EventTime": times, "UserID": users, "ItemID": items, "Clicked": clicked, "Dwell": dwell}
        attributes = {"ItemID": list(range(50)), "Category": [f"c{n % 5}" for n in range(50)]}
        for kind, table in (("shown", shown), ("items", attributes)):
            folder = data / kind / f"dt=2026-01-{day:02}"
            folder.mkdir(parents=True)
            pq.write_table(pa.table(table), folder / "part-0.parquet")

    dataset = drafted_dataset(data, tmp_path)

    assert dataset.attributes["items"].files == "items/dt={date}/part-0.parquet"
    assert (dataset.attributes["items"].key, dataset.attributes["items"].key_column) == ("ad_id", "ItemID")
    assert dataset.impressions.outcomes == ("Dwell",)
    assert check(dataset, data, engine).usable


def test_files_without_clicks_are_refused_with_what_was_found(tmp_path):
    (tmp_path / "log.csv").write_text("time,ad\n2026-01-01 10:00:00,a\n2026-01-01 11:00:00,b\n")

    with pytest.raises(SettingsError, match=r"Nothing tells clicks.*log\.csv: time, ad"):
        drafted(tmp_path, "mine")


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["train.gz"], "train.gz"),
        (["log_20220425_20220508.csv"], "log_20220425_20220508.csv"),
        (["2026-01-01/a.csv", "2026-01-02/a.csv"], "{date}/a.csv"),
        (["a-2026010103.gz", "a-2026010204.gz"], "a-{date:%Y%m%d}*.gz"),
        (["2026/01/01/p-00.gz", "2026/01/02/p-01.gz"], "{date:%Y/%m/%d}/p-*.gz"),
        (["part-0.csv", "part-1.csv"], "part-*.csv"),
    ],
)
def test_the_pattern_of_files(names, pattern):
    assert pattern_of(names) == pattern


@pytest.mark.parametrize(
    ("value", "unit", "pattern"),
    [
        ("1650812741", "s", ""),
        ("1650812741436", "ms", ""),
        ("1650812741436123", "us", ""),
        ("14102100", "text", "yyMMddHH"),
        ("20141021", "text", "yyyyMMdd"),
        ("05.01.2026 13:45", "text", "dd.MM.yyyy HH:mm"),
        ("2026-01-05T13:45:10+01:00", "text", ""),
    ],
)
def test_the_spelling_of_a_time(value, unit, pattern):
    found = spelling_of([value])

    assert found is not None
    assert (found.unit, found.pattern) == (unit, pattern)


def test_a_word_is_no_time():
    assert spelling_of(["yesterday"]) is None
