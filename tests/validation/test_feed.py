"""The data gate: each limit just below, at and above; what stops the night and what only shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from conf.errors import FeedBlocked
from conf.settings import FeedExpectations
from validation.feed import FeedProfile, FeedVerdict, check_feed, raise_if_blocked

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DAY = date(2026, 1, 5)
SCHEMA = "impression_id string, dt string, user_id string, placement string"
LIMITS = FeedExpectations(
    max_quarantined_share=0.02,
    max_duplicate_share=0.2,
    min_volume_ratio=0.5,
    max_volume_ratio=3.0,
    volume_days=2,
    max_null_share=0.3,
    min_ctr=0.01,
    max_ctr=0.9,
)
PROFILE = FeedProfile(
    day=DAY,
    impressions=1000,
    landed=1000,
    quarantined=0,
    duplicates=0,
    clicks_landed=100,
    clicks_quarantined=0,
    ctr=0.1,
    null_shares={"placement": 0.0},
    volumes_before=(1000, 1000),
)


@pytest.fixture(scope="session")
def good(spark: SparkSession) -> DataFrame:
    """Ten rows without a fault."""
    return rows(spark, [(f"i{n}", "2026-01-05", "u1", "top") for n in range(10)])


def rows(spark: SparkSession, values: Sequence[tuple[str | None, ...]]) -> DataFrame:
    return spark.createDataFrame(list(values), SCHEMA)


def verdict_on(impressions: DataFrame, profile: FeedProfile = PROFILE, late_days: int = 0) -> FeedVerdict:
    return check_feed(impressions, profile, ["user_id"], LIMITS, day=DAY, late_days=late_days)


def failed(verdict: FeedVerdict) -> list[tuple[str, str]]:
    return sorted((failure.expectation, failure.severity) for failure in verdict.failures)


def test_a_sound_feed_passes(good: DataFrame) -> None:
    verdict = verdict_on(good)
    assert (verdict.passed, verdict.failures, verdict.checked) == (True, (), 14)
    raise_if_blocked(verdict)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"quarantined": 19}, []),
        ({"quarantined": 20}, []),
        ({"quarantined": 21}, [("max_quarantined_share", "critical")]),
        ({"clicks_quarantined": 1}, []),
        ({"clicks_quarantined": 2}, []),
        ({"clicks_quarantined": 3}, [("max_clicks_quarantined_share", "critical")]),
        ({"duplicates": 199}, []),
        ({"duplicates": 200}, []),
        ({"duplicates": 201}, [("max_duplicate_share", "warning")]),
        ({"impressions": 501}, []),
        ({"impressions": 500}, []),
        ({"impressions": 499}, [("min_volume_ratio", "critical")]),
        ({"impressions": 2999}, []),
        ({"impressions": 3000}, []),
        ({"impressions": 3001}, [("max_volume_ratio", "warning")]),
        ({"ctr": 0.0101}, []),
        ({"ctr": 0.01}, []),
        ({"ctr": 0.0099}, [("min_ctr", "critical")]),
        ({"ctr": 0.8999}, []),
        ({"ctr": 0.9}, []),
        ({"ctr": 0.9001}, [("max_ctr", "critical")]),
        ({"impressions": 1, "volumes_before": ()}, []),
        ({"impressions": 0, "volumes_before": ()}, [("min_impressions", "critical")]),
    ],
)
def test_a_figure_passes_up_to_its_limit_and_not_beyond(
    good: DataFrame, change: dict[str, object], expected: list[tuple[str, str]]
) -> None:
    verdict = verdict_on(good, replace(PROFILE, **change))  # type: ignore[arg-type]
    assert failed(verdict) == expected
    assert verdict.passed is (not any(severity == "critical" for _, severity in expected))


@pytest.mark.parametrize(("missing", "warned"), [(2, False), (3, False), (4, True)])
def test_a_declared_column_may_be_missing_up_to_its_limit_and_then_warns(
    spark: SparkSession, missing: int, warned: bool
) -> None:
    values = [(f"i{n}", "2026-01-05", "u1", None if n < missing else "top") for n in range(10)]
    verdict = verdict_on(rows(spark, values))
    assert verdict.passed
    assert failed(verdict) == ([("missing_placement", "warning")] if warned else [])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.4, 0.7, 0.9])
def test_a_null_share_at_its_limit_passes_whatever_the_rounding(spark: SparkSession, share: float) -> None:
    missing = round(10 * share)
    values = [(f"i{n}", "2026-01-05", "u1", None if n < missing else "top") for n in range(10)]
    limits = LIMITS.model_copy(update={"max_null_share": share})
    assert check_feed(rows(spark, values), PROFILE, [], limits, day=DAY).failures == ()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (("new", "2026-01-05", None, "top"), "missing_user_id"),
        ((None, "2026-01-05", "u1", "top"), "missing_impression_id"),
        (("new", None, "u1", "top"), "missing_dt"),
        (("new", "2026-01-06", "u1", "top"), "day"),
        (("new", "2026-01-04", "u1", "top"), "day"),
        (("i0", "2026-01-05", "u1", "top"), "unique_impression_id"),
    ],
)
def test_one_broken_row_stops_the_night(
    spark: SparkSession, good: DataFrame, row: tuple[str | None, ...], expected: str
) -> None:
    verdict = verdict_on(good.union(rows(spark, [row])))
    assert not verdict.passed
    assert failed(verdict) == [(expected, "critical")]


@pytest.mark.parametrize(("day", "passed"), [("2026-01-02", False), ("2026-01-03", True), ("2026-01-06", False)])
def test_late_rows_count_only_within_the_days_allowed(
    spark: SparkSession, good: DataFrame, day: str, passed: bool
) -> None:
    late = rows(spark, [("late", day, "u1", "top")])
    assert verdict_on(good.union(late), late_days=2).passed is passed


def test_the_day_may_be_a_date_column(good: DataFrame) -> None:
    assert verdict_on(good.withColumn("dt", good["dt"].cast("date"))).passed


def test_a_check_that_cannot_be_made_stops_the_night_and_says_why(good: DataFrame) -> None:
    broken = good.selectExpr("impression_id", "dt", "user_id", "raise_error('the file is gone') AS placement")
    verdict = verdict_on(broken)
    assert failed(verdict) == [("missing_placement", "critical")]
    assert verdict.critical[0].message == "Check `missing_placement` could not be made: the file is gone"


def test_a_column_that_is_not_there_stops_the_night(good: DataFrame) -> None:
    verdict = verdict_on(good.drop("placement", "user_id"))
    assert failed(verdict) == [("column_placement", "critical"), ("column_user_id", "critical")]
    assert "no column `placement`" in verdict.critical[1].message


def test_a_feed_without_rows_is_blocked_in_words(good: DataFrame) -> None:
    verdict = verdict_on(good.limit(0), replace(PROFILE, impressions=0, landed=0, clicks_landed=0, ctr=None))
    assert failed(verdict) == [("min_impressions", "critical"), ("min_volume_ratio", "critical")]
    with pytest.raises(FeedBlocked, match="No usable impression of 2026-01-05 landed"):
        raise_if_blocked(verdict)


def test_only_the_newest_days_make_the_usual_volume(good: DataFrame) -> None:
    profile = replace(PROFILE, impressions=500, volumes_before=(900_000, 1000, 1000))
    assert verdict_on(good, profile).passed


def test_what_the_night_cannot_know_is_not_judged(good: DataFrame) -> None:
    assert verdict_on(good, replace(PROFILE, ctr=None, clicks_landed=0, volumes_before=())).passed


def test_warnings_alone_pass(good: DataFrame) -> None:
    verdict = verdict_on(good, replace(PROFILE, duplicates=900, impressions=9000))
    assert failed(verdict) == [("max_duplicate_share", "warning"), ("max_volume_ratio", "warning")]
    assert verdict.passed
    raise_if_blocked(verdict)


def test_the_error_names_the_files_the_rows_and_the_setting(good: DataFrame) -> None:
    examples = (("a.csv", 7, "no user_id"), ("b.csv", 9, "bad time"))
    verdict = verdict_on(good, replace(PROFILE, quarantined=240, ctr=0.001, first_quarantined=examples))
    with pytest.raises(FeedBlocked) as error:
        raise_if_blocked(verdict)
    message = str(error.value)
    assert "2 critical" in message
    assert "240 impression rows (24 % of those that landed)" in message
    assert "a.csv row 7: no user_id; b.csv row 9: bad time" in message
    assert "fix or remove a.csv and b.csv and run the night again" in message
    assert "`feed.max_quarantined_share` (now 0.02)" in message
    assert "`feed.min_ctr` (now 0.01)" in message


def test_critical_failures_come_first(good: DataFrame) -> None:
    verdict = verdict_on(good, replace(PROFILE, duplicates=900, ctr=0.001))
    assert [failure.severity for failure in verdict.failures] == ["critical", "warning"]


def test_the_verdict_can_be_written_as_json(good: DataFrame) -> None:
    content = json.loads(json.dumps(verdict_on(good, replace(PROFILE, quarantined=21)).to_dict()))
    assert content["day"] == "2026-01-05"
    assert content["failures"][0]["observed"] == 0.021
    assert content["failures"][0]["limit"] == 0.02
