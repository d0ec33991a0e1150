from __future__ import annotations

from datetime import date

import pytest

from conf.errors import LandingError
from conf.landing import Files
from jobs.landing.discovery import days_landed, files_for_night, files_of, require

DAILY = Files(files="{date}/log*.csv", format="csv")
FIRST, SECOND, THIRD, FOURTH = (date(2026, 1, day) for day in (1, 2, 3, 4))


@pytest.fixture
def data(tmp_path):
    for day in (FIRST, SECOND, THIRD, FOURTH):
        touch(tmp_path, f"{day}/log.csv")
    return tmp_path


def touch(data, name):
    path = data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def names(data, night, taken, late_days=2):
    return [file.name for file in files_for_night(data, DAILY, night, late_days=late_days, taken=taken)]


def test_a_night_takes_in_its_own_files(data):
    touch(data, f"{SECOND}/log-2.csv")
    touch(data, f"{SECOND}/other.csv")
    assert names(data, SECOND, {}) == ["2026-01-02/log-2.csv", "2026-01-02/log.csv"]


def test_a_file_that_appeared_after_its_own_night_is_taken_in_by_the_next(data):
    touch(data, f"{FIRST}/log-late.csv")
    taken = {FIRST: {"2026-01-01/log.csv"}}
    assert names(data, SECOND, taken) == ["2026-01-01/log-late.csv", "2026-01-02/log.csv"]


def test_files_of_a_night_that_has_not_run_wait_for_it(data):
    assert names(data, SECOND, {}) == ["2026-01-02/log.csv"]


def test_a_file_that_appears_too_late_is_left(data):
    touch(data, f"{FIRST}/log-late.csv")
    taken = {day: {f"{day}/log.csv"} for day in (FIRST, SECOND, THIRD)}
    assert "2026-01-01/log-late.csv" in names(data, THIRD, {FIRST: taken[FIRST], SECOND: taken[SECOND]})
    assert names(data, FOURTH, taken) == ["2026-01-04/log.csv"]


def test_a_file_stays_with_the_night_that_took_it_when_its_own_night_runs_again(data):
    touch(data, f"{FIRST}/log-late.csv")
    taken = {SECOND: {"2026-01-01/log-late.csv", "2026-01-02/log.csv"}}
    assert names(data, FIRST, taken) == ["2026-01-01/log.csv"]


def test_a_date_may_be_spelt_otherwise_and_stand_in_a_name(tmp_path):
    files = Files(files="{date:%Y/%m}/log-{date:%d%m%Y}.csv.gz", format="csv")
    touch(tmp_path, "2026/01/log-02012026.csv.gz")
    [found] = files_of(tmp_path, files, SECOND)
    assert (found.name, found.day) == ("2026/01/log-02012026.csv.gz", SECOND)
    assert files_of(tmp_path, files, THIRD) == []


def test_files_without_a_date_hold_all_days(tmp_path):
    touch(tmp_path, "log.csv")
    [found] = files_of(tmp_path, Files(files="log*.csv", format="csv"), SECOND)
    assert found.day is None


def test_a_signature_changes_with_the_content(tmp_path):
    touch(tmp_path, "log.csv")
    [file] = files_of(tmp_path, Files(files="log.csv", format="csv"), SECOND)
    before = file.signature
    file.path.write_text("more", encoding="utf-8")
    assert file.signature != before


def test_a_missing_landing_tells_what_was_looked_for_and_which_days_there_are(data):
    with pytest.raises(LandingError) as caught:
        require([], data, DAILY, "impressions", date(2026, 2, 1))
    message = str(caught.value)
    assert "No landing file of impressions for 2026-02-01" in message
    assert f"{data}/2026-02-01/log*.csv" in message
    assert "2026-01-01 to 2026-01-04" in message


@pytest.mark.parametrize(
    ("pattern", "folders"),
    [
        ("{date}/log.csv", ["2026-01-02/log.csv", "partial/log.csv"]),
        ("log-{date:%Y%m%d}.csv", ["log-20260102.csv", "log-new.csv"]),
        ("in/{date}-log*.csv", ["in/2026-01-02-log7.csv"]),
    ],
)
def test_days_are_found_however_the_path_spells_them(tmp_path, pattern, folders):
    for name in folders:
        touch(tmp_path, name)
    assert days_landed(tmp_path, Files(files=pattern, format="csv")) == [SECOND]
