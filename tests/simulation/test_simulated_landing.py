"""What the landing folders of the simulated ad server hold, read the plain way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conf.errors import SettingsError
from simulation import SCENARIOS, Scenario, SimulationSummary, WorldSettings, write_days
from simulation.days import midnight_ms, spelled_times

SMALL = WorldSettings(users=1_500, joins_per_day=5, advertisers=12, impressions_per_day=4_000)
FIRST = date(2026, 1, 5)
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
FILES = {"impressions.csv", "clicks.jsonl", "ads.parquet", "users.parquet", "candidates.parquet"}

Landing = Callable[..., Path]
Written = tuple[Path, Path, SimulationSummary]


@pytest.fixture(scope="module")
def calm_days(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Landing folder, truth folder and summary of three calm days from FIRST on."""
    root = tmp_path_factory.mktemp("calm")
    summary = write_days(root / "landing", root / "truth", SMALL, Scenario(), FIRST, 3)
    return root / "landing", root / "truth", summary


@pytest.fixture
def landing_of(tmp_path: Path) -> Callable[..., Path]:
    """Writes days of the small world and returns the landing folder."""

    def written(scenario: Scenario, start: date = FIRST, days: int = 1, settings: WorldSettings = SMALL) -> Path:
        landing = tmp_path / f"{scenario.name}-{start}-{days}"
        write_days(landing, tmp_path / "truth", settings, scenario, start, days)
        return landing

    return written


def impression_rows(landing: Path, day: date) -> list[dict[str, str]]:
    """The rows with the right number of fields, an id and a time that parses, repeats included."""
    header, *lines = (landing / day.isoformat() / "impressions.csv").read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines if line.count(",") == len(names) - 1]
    return [row for row in rows if row["impression_id"] and row["event_time"].startswith("20")]


def click_rows(landing: Path, day: date) -> list[dict[str, str]]:
    """The clicks that are whole JSON, repeats included."""
    rows = []
    for line in (landing / day.isoformat() / "clicks.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def instant(text: str) -> datetime:
    """An event time of the log."""
    return datetime.fromisoformat(text)


def day_of_id(impression_id: str) -> date:
    """The day an impression was shown, by its id."""
    return date.fromisoformat(impression_id.split("-")[1])


def own_rows(landing: Path, day: date = FIRST) -> dict[str, dict[str, str]]:
    rows = impression_rows(landing, day)
    return {row["impression_id"]: row for row in rows if day_of_id(row["impression_id"]) == day}


def shares(rows: dict[str, dict[str, str]], column: str) -> dict[str, float]:
    counts = Counter(row[column] for row in rows.values())
    return {value: count / len(rows) for value, count in counts.items()}


def moved_share(before: dict[str, float], after: dict[str, float]) -> float:
    """Total variation distance: the share of rows whose value would have to change."""
    return sum(abs(before.get(value, 0.0) - after.get(value, 0.0)) for value in before | after) / 2


def test_a_day_is_the_same_bytes_whichever_days_are_written_with_it(calm_days: Written, landing_of: Landing) -> None:
    together, alone = calm_days[0] / THIRD.isoformat(), landing_of(Scenario(), THIRD) / THIRD.isoformat()
    assert {path.name for path in alone.iterdir()} == FILES
    for name in FILES:
        assert (alone / name).read_bytes() == (together / name).read_bytes(), name


def test_a_day_before_the_scenario_starts_is_a_calm_day(calm_days: Written, landing_of: Landing) -> None:
    drifting = landing_of(Scenario("concept_drift", SECOND), FIRST) / FIRST.isoformat()
    for name in FILES:
        assert (drifting / name).read_bytes() == (calm_days[0] / FIRST.isoformat() / name).read_bytes(), name


def test_another_seed_is_another_world(calm_days: Written, landing_of: Landing) -> None:
    other = landing_of(Scenario(), settings=replace(SMALL, seed=8)) / FIRST.isoformat() / "impressions.csv"
    assert other.read_bytes() != (calm_days[0] / FIRST.isoformat() / "impressions.csv").read_bytes()


def test_writing_a_day_again_replaces_it_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    for _ in range(2):
        write_days(tmp_path / "landing", tmp_path / "truth", SMALL, Scenario(), FIRST, 1)
    assert [path.name for path in (tmp_path / "landing").iterdir()] == [FIRST.isoformat()]
    assert [path.name for path in (tmp_path / "truth").iterdir()] == [f"{FIRST}.parquet"]


def test_each_finished_day_is_reported(tmp_path: Path) -> None:
    seen: list[date] = []
    write_days(tmp_path / "landing", tmp_path / "truth", SMALL, Scenario(), FIRST, 2, seen.append)
    assert seen == [FIRST, SECOND]


def test_no_day_to_write_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="at least one"):
        write_days(tmp_path, tmp_path, SMALL, Scenario(), FIRST, 0)


def test_a_world_too_small_to_have_ads_is_an_error(tmp_path: Path) -> None:
    tiny = replace(SMALL, advertisers=1, campaigns_per_advertiser=1)
    with pytest.raises(SettingsError, match="more advertisers"):
        write_days(tmp_path, tmp_path, tiny, Scenario(), FIRST, 1)


def test_a_day_before_the_world_began_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="begins on"):
        write_days(tmp_path, tmp_path, SMALL, Scenario(), date(1999, 1, 1), 1)


def test_the_summary_counts_the_rows_of_the_files(calm_days: Written) -> None:
    landing, _, summary = calm_days
    lines = [(landing / day.isoformat() / "impressions.csv").read_text("utf-8") for day in (FIRST, SECOND, THIRD)]
    assert summary.impressions == sum(text.count("\n") - 1 for text in lines)
    assert summary.days == 3
    assert summary.truth == 3 * SMALL.impressions_per_day


def test_defects_have_the_shares_asked_for(landing_of: Landing) -> None:
    dirty = replace(SMALL, duplicate_share=0.04, late_share=0.05, broken_share=0.03)
    landing = landing_of(Scenario(), days=2, settings=dirty)
    lines = (landing / SECOND.isoformat() / "impressions.csv").read_text("utf-8").splitlines()[1:]
    rows = impression_rows(landing, SECOND)
    from_yesterday = {row["impression_id"] for row in rows if day_of_id(row["impression_id"]) == FIRST}
    landed_yesterday = {row["impression_id"] for row in impression_rows(landing, FIRST)}
    own = Counter(row["impression_id"] for row in rows if day_of_id(row["impression_id"]) == SECOND)
    shown = SMALL.impressions_per_day
    # Five standard deviations of a count of a few hundred, or a few dozen, stay within these bounds.
    assert (len(lines) - len(rows)) / len(lines) == pytest.approx(0.03, abs=0.014)
    assert len(from_yesterday - landed_yesterday) / shown == pytest.approx(0.05, abs=0.02)
    assert len(from_yesterday & landed_yesterday) / shown == pytest.approx(0.02, abs=0.012)
    assert sum(count - 1 for count in own.values()) / shown == pytest.approx(0.02, abs=0.012)


def test_without_defects_every_impression_lands_once_on_its_day(landing_of: Landing) -> None:
    clean = replace(SMALL, duplicate_share=0.0, late_share=0.0, broken_share=0.0)
    rows = impression_rows(landing_of(Scenario(), settings=clean), FIRST)
    assert len({row["impression_id"] for row in rows}) == len(rows) == SMALL.impressions_per_day
    assert {instant(row["event_time"]).date() for row in rows} == {FIRST}


def test_no_click_comes_before_its_impression(calm_days: Written) -> None:
    landing = calm_days[0]
    shown = {row["impression_id"]: instant(row["event_time"]) for row in impression_rows(landing, FIRST)}
    clicks = [click for day in (FIRST, SECOND, THIRD) for click in click_rows(landing, day)]
    delays = [instant(c["click_time"]) - shown[c["impression_id"]] for c in clicks if c["impression_id"] in shown]
    assert len(delays) > 100
    assert min(delays) > timedelta(0)


def test_a_click_lands_on_the_day_it_came(calm_days: Written) -> None:
    clicks = click_rows(calm_days[0], SECOND)
    assert {instant(click["click_time"]).date() for click in clicks} == {SECOND}
    assert any(day_of_id(click["impression_id"]) == FIRST for click in clicks)


def test_some_clicks_belong_to_no_impression(landing_of: Landing) -> None:
    landing = landing_of(Scenario(), settings=replace(SMALL, impressions_per_day=10_000, base_ctr=0.5))
    numbers = [int(click["impression_id"].split("-")[2]) for click in click_rows(landing, FIRST)]
    assert 0 < sum(number >= 10_000 for number in numbers) < 0.01 * len(numbers)


def test_candidates_cover_all_but_the_surprises_of_the_next_day(calm_days: Written) -> None:
    landing = calm_days[0]
    table = pq.read_table(landing / FIRST.isoformat() / "candidates.parquet").to_pydict()
    pairs = list(zip(table["user_id"], table["ad_id"], table["placement"], strict=True))
    rows = [r for r in impression_rows(landing, SECOND) if day_of_id(r["impression_id"]) == SECOND]
    expected = set(pairs)
    share = sum((r["user_id"], r["ad_id"], r["placement"]) in expected for r in rows) / len(rows)
    assert len(expected) == len(pairs) == pytest.approx(1.5 * SMALL.impressions_per_day, rel=0.01)
    assert share == pytest.approx(0.93, abs=0.025)


def test_candidates_hold_only_what_was_known_the_evening_before(calm_days: Written) -> None:
    folder = calm_days[0] / FIRST.isoformat()
    candidates = pq.read_table(folder / "candidates.parquet").to_pydict()
    users = set(pq.read_table(folder / "users.parquet")["user_id"].to_pylist())
    ads = set(pq.read_table(folder / "ads.parquet")["ad_id"].to_pylist())
    assert set(candidates["user_id"]) <= users
    assert set(candidates["ad_id"]) <= ads


def test_the_snapshots_of_a_day_describe_everyone_in_its_impressions(calm_days: Written) -> None:
    folder = calm_days[0] / SECOND.isoformat()
    rows = [r for r in impression_rows(calm_days[0], SECOND) if day_of_id(r["impression_id"]) == SECOND]
    users = pq.read_table(folder / "users.parquet").to_pydict()
    ads = pq.read_table(folder / "ads.parquet").to_pydict()
    assert {row["user_id"] for row in rows} <= set(users["user_id"])
    assert {row["ad_id"] for row in rows} <= set(ads["ad_id"])
    assert len(set(ads["ad_id"])) == len(ads["ad_id"])
    assert max(users["registered_on"]) == SECOND
    assert max(ads["launch_date"]) == THIRD


def test_times_carry_the_offset_of_their_zone_on_the_night_the_clocks_change(landing_of: Landing) -> None:
    spring = date(2026, 3, 29)
    berlin = replace(SMALL, time_zone="Europe/Berlin", late_share=0.0, duplicate_share=0.0)
    times = [row["event_time"] for row in impression_rows(landing_of(Scenario(), spring, settings=berlin), spring)]
    assert {text[-6:] for text in times} == {"+01:00", "+02:00"}
    assert {instant(text).date() for text in times} == {spring}
    assert not any(text[11:13] == "02" for text in times)
    assert instant(min(times, key=instant)) >= datetime.fromisoformat("2026-03-29T00:00:00+01:00")


@pytest.mark.parametrize(
    ("name", "value"),
    [("users", 0), ("users", 60), ("late_share", 1.0), ("base_ctr", 0.0), ("time_zone", "Mars/Base"), ("seed", -1)],
)
def test_an_impossible_world_is_refused_by_the_name_of_the_setting(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=name):
        WorldSettings(**{name: value})  # type: ignore[arg-type]


def test_the_truth_file_has_every_impression_shown_and_its_probability(calm_days: Written) -> None:
    landing, truth, _ = calm_days
    table = pq.read_table(truth / f"{FIRST}.parquet")
    ids = table["impression_id"].to_pylist()
    landed = {row["impression_id"] for row in impression_rows(landing, FIRST)}
    own = {impression_id for impression_id in landed if impression_id.startswith(f"i-{FIRST:%Y%m%d}-")}
    assert len(set(ids)) == len(ids) == SMALL.impressions_per_day
    assert own <= set(ids)
    assert 0.0 < min(table["p_click"].to_pylist()) <= max(table["p_click"].to_pylist()) < 1.0


def test_labels_read_from_the_landing_files_agree_with_the_truth(
    tmp_path: Path, landing_of: Callable[..., Path]
) -> None:
    landing = landing_of(
        Scenario(), days=2, settings=replace(SMALL, impressions_per_day=10_000, late_share=0.0, broken_share=0.0)
    )
    shown = {row["impression_id"]: instant(row["event_time"]) for row in impression_rows(landing, FIRST)}
    clicks = [click for later in (0, 1) for click in click_rows(landing, FIRST + timedelta(days=later))]
    clicked = {
        click["impression_id"]
        for click in clicks
        if click["impression_id"] in shown
        and instant(click["click_time"]) - shown[click["impression_id"]] <= timedelta(hours=24)
    }
    truth = pq.read_table(tmp_path / "truth" / f"{FIRST}.parquet").to_pydict()
    p_click = np.array([p for i, p in zip(truth["impression_id"], truth["p_click"], strict=True) if i in shown])
    of_the_day = [i for i in clicked if i.startswith(f"i-{FIRST:%Y%m%d}-")]
    assert abs(len(of_the_day) - p_click.sum()) < 4 * np.sqrt((p_click * (1 - p_click)).sum())


def test_an_unknown_scenario_is_refused_with_the_known_names() -> None:
    with pytest.raises(SettingsError, match="calm, concept_drift, covariate_drift, new_ads, outage, unit_change"):
        Scenario("earthquake", FIRST)


def test_a_scenario_other_than_calm_needs_a_day_to_start_on() -> None:
    with pytest.raises(SettingsError, match="starts on"):
        Scenario("outage")


@pytest.mark.parametrize("strength", [-0.1, 1.1])
def test_a_strength_outside_its_range_is_refused(strength: float) -> None:
    with pytest.raises(SettingsError, match="strength"):
        Scenario("outage", FIRST, strength)


@pytest.mark.parametrize(("days_later", "level"), [(-1, 0.0), (0, 0.5), (1, 0.5), (2, 0.0)])
def test_a_scenario_acts_from_its_first_day_for_as_long_as_it_lasts(days_later: int, level: float) -> None:
    assert Scenario("outage", FIRST, 0.5).level("outage", FIRST.toordinal() + days_later, 2) == level


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"calm"}))
def test_a_scenario_without_strength_is_calm(name: str, calm_days: Written, landing_of: Landing) -> None:
    folder = landing_of(Scenario(name, FIRST, 0.0)) / FIRST.isoformat()
    for path in folder.iterdir():
        assert path.read_bytes() == (calm_days[0] / FIRST.isoformat() / path.name).read_bytes(), path.name


def test_an_outage_loses_most_impressions_and_a_context_column_for_one_day(
    calm_days: Written, landing_of: Landing
) -> None:
    landing = landing_of(Scenario("outage", FIRST), days=2)
    struck, calm = own_rows(landing), own_rows(calm_days[0])
    assert len(struck) < 0.5 * len(calm)
    assert {row["device"] for row in struck.values()} == {""}
    assert own_rows(landing, SECOND).keys() == own_rows(calm_days[0], SECOND).keys()
    assert "" not in {row["device"] for row in own_rows(landing, SECOND).values()}


def test_a_unit_change_makes_dollars_cents(calm_days: Written, landing_of: Landing) -> None:
    cents, dollars = own_rows(landing_of(Scenario("unit_change", FIRST))), own_rows(calm_days[0])
    assert cents.keys() == dollars.keys()
    for impression_id, row in cents.items():
        assert float(row["bid"]) == pytest.approx(100 * float(dollars[impression_id]["bid"]))


def test_a_covariate_drift_moves_device_and_placement(calm_days: Written, landing_of: Landing) -> None:
    drifted, calm = own_rows(landing_of(Scenario("covariate_drift", FIRST))), own_rows(calm_days[0])
    assert moved_share(shares(calm, "device"), shares(drifted, "device")) > 0.15
    assert moved_share(shares(calm, "placement"), shares(drifted, "placement")) > 0.15


def test_a_wave_of_new_ads_lasts_three_days(landing_of: Landing, calm_days: Written) -> None:
    def launches(landing: Path, day: date) -> int:
        table = pq.read_table(landing / day.isoformat() / "ads.parquet")
        return table["launch_date"].to_pylist().count(day)

    wave = landing_of(Scenario("new_ads", FIRST), days=4)
    for later in range(3):
        day = FIRST + timedelta(days=later)
        assert launches(wave, day) > launches(calm_days[0], day) + 20
    assert launches(wave, FIRST + timedelta(days=3)) < 20


def test_the_times_of_a_million_rows_are_spelled_as_one_array():
    instants = midnight_ms(date(2026, 1, 5).toordinal(), "Europe/Berlin") + np.arange(1_000_000) * 86
    spelled = spelled_times(instants, "Europe/Berlin")
    assert isinstance(spelled, pa.Array)
    assert [spelled[0].as_py(), spelled[999_999].as_py()] == [
        "2026-01-05T00:00:00.000+01:00",
        "2026-01-05T23:53:19.914+01:00",
    ]
