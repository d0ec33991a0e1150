from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from landing_files import FIRST, impression, land

from conf.errors import NotReady
from jobs.feast_repository import TIMESTAMP, definitions, exported, write_repository
from jobs.night import run_step

SECOND = FIRST + timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def described(tiny):
    """Histories as of two mornings: of user u1 on both, of u2 on the second alone."""
    for night, users in ((FIRST, ["u1"]), (SECOND, ["u1", "u2"])):
        rows = [impression(f"{night}-{user}", night, user=user) for user in users]
        land(tiny.data, night, impressions=rows, clicks=[(f"{night}-u1", f"{night} 13:00:00")], campaigns={"a1": "c1"})
        for step in ("ingest", "label", "features"):
            run_step(tiny, step, night)
    return tiny


def test_an_exported_history_has_its_key_in_parts_and_the_moment_it_was_taken(described):
    rows = exported(described, "user_slot", ("user_id", "slot")).to_pylist()
    [first] = [row for row in rows if row[TIMESTAMP] == datetime(SECOND.year, SECOND.month, SECOND.day, tzinfo=BERLIN)]
    assert (first["user_id"], first["slot"], first["impressions_1d"], first["clicks_1d"]) == ("u1", "top", 1.0, 1.0)
    assert (first["days_since"], first["days_since_click"], first["active_days"]) == (1.0, 1.0, 1.0)


def test_without_features_there_is_nothing_to_export(tiny, tmp_path):
    with pytest.raises(NotReady, match="Run a night first"):
        write_repository(tiny, tmp_path)


def test_feast_finds_the_history_that_held_and_serves_the_latest(described, tmp_path):
    feast = pytest.importorskip("feast")
    import pandas as pd

    assert write_repository(described, tmp_path)["user"] == 3
    store = feast.FeatureStore(repo_path=str(tmp_path))
    store.apply(list(definitions(tmp_path).values()))
    moments = [datetime(2026, 1, day, 12, tzinfo=BERLIN) for day in (11, 12, 11)]
    asked = pd.DataFrame({"user_id": ["u1", "u1", "u2"], "event_timestamp": pd.to_datetime(moments, utc=True)})
    found = store.get_historical_features(asked, features=["user:impressions_7d"]).to_df()
    held = {(row.user_id, row.event_timestamp.day): row.impressions_7d for row in found.itertuples()}
    assert (held["u1", 11], held["u1", 12]) == (1.0, 2.0)
    assert pd.isna(held.get(("u2", 11)))  # nothing was known of u2 that morning
    store.materialize(datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 13, tzinfo=UTC))
    served = store.get_online_features(
        features=["user:impressions_7d", "user_slot:clicks_7d"], entity_rows=[{"user_id": "u1", "slot": "top"}]
    ).to_dict()
    assert (served["impressions_7d"], served["clicks_7d"]) == ([2.0], [2.0])
