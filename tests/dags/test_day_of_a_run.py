"""Which day a run is about: scheduled, by hand, backfilled, or started by drift."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from airflow.sdk.exceptions import AirflowFailException

SHANGHAI = ZoneInfo("Asia/Shanghai")


def resolved(**given):
    from ctr_tasks import resolved_day

    values = {
        "asked": None,
        "event_days": [],
        "run_type": "manual",
        "interval_end": None,
        "logical_date": None,
        "run_after": datetime(2026, 1, 10, 12, tzinfo=UTC),
        "zone": "UTC",
    }
    return resolved_day(**{**values, **given})


def test_a_scheduled_night_is_about_the_day_its_interval_began():
    day = resolved(run_type="scheduled", interval_end=datetime(2026, 1, 4, 2, tzinfo=UTC))

    assert day == date(2026, 1, 3)


def test_a_schedule_at_midnight_is_about_the_day_that_just_ended():
    day = resolved(run_type="scheduled", interval_end=datetime(2026, 1, 4, 0, tzinfo=UTC))

    assert day == date(2026, 1, 3)


def test_the_day_is_a_calendar_day_of_the_data_sets_zone():
    end = datetime(2026, 1, 4, 2, tzinfo=SHANGHAI).astimezone(UTC)

    assert end.date() == date(2026, 1, 3)
    assert resolved(run_type="scheduled", interval_end=end, zone="Asia/Shanghai") == date(2026, 1, 3)


def test_a_weekly_run_is_about_the_last_day_of_its_week():
    assert resolved(run_type="scheduled", interval_end=datetime(2026, 1, 12, 6, tzinfo=UTC)) == date(2026, 1, 11)


def test_a_backfilled_night_is_about_its_logical_date():
    day = resolved(
        run_type="backfill",
        logical_date=datetime(2025, 6, 1, 2, tzinfo=UTC),
        interval_end=datetime(2025, 6, 2, 2, tzinfo=UTC),
    )

    assert day == date(2025, 6, 1)


def test_the_date_in_the_form_comes_before_everything_else():
    day = resolved(asked="2025-03-01", event_days=["2026-01-01"], interval_end=datetime(2026, 1, 4, 2, tzinfo=UTC))

    assert day == date(2025, 3, 1)


def test_a_run_by_hand_without_a_date_is_about_yesterday_in_the_data_sets_zone():
    late_evening_utc = datetime(2026, 1, 10, 20, tzinfo=UTC)  # already the 11th in Shanghai

    assert resolved(run_after=late_evening_utc) == date(2026, 1, 9)
    assert resolved(run_after=late_evening_utc, zone="Asia/Shanghai") == date(2026, 1, 10)


def test_a_run_by_hand_soon_after_midnight_is_about_yesterday_and_not_the_day_before():
    one_o_clock = datetime(2026, 1, 10, 1, tzinfo=UTC)
    airflows_interval_end = datetime(2026, 1, 9, 2, tzinfo=UTC)

    day = resolved(run_after=one_o_clock, logical_date=one_o_clock, interval_end=airflows_interval_end)

    assert day == date(2026, 1, 9)


def test_a_run_that_drift_started_takes_the_latest_of_the_gathered_days():
    day = resolved(run_type="asset_triggered", event_days=["2026-01-05", "2026-01-07", "2026-01-06"])

    assert day == date(2026, 1, 7)


def test_unknown_keys_are_refused_by_name():
    from ctr_tasks import refuse_unknown

    with pytest.raises(AirflowFailException, match=r"dat\. Known: date"):
        refuse_unknown({"dat": "2026-01-01"}, {"date"})
    refuse_unknown({"date": "2026-01-01"}, {"date"})


def test_drift_events_come_oldest_first_and_only_with_a_day():
    from ctr_tasks import CTR_DRIFT, drift_events

    events = [SimpleNamespace(extra=extra) for extra in ({"day": "2026-01-07"}, None, {"day": "2026-01-05"}, {})]

    assert drift_events({"triggering_asset_events": {CTR_DRIFT: events}}) == [
        {"day": "2026-01-05"},
        {"day": "2026-01-07"},
    ]
