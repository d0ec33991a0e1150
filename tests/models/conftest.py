"""A small stream of impressions whose click probability depends on one attribute, one number and one rate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from models.boosted import BoostedSettings
from models.columns import FeatureColumns
from models.hashing_encoder import HashingSettings
from models.settings import ModelSettings

Impressions = Callable[[int, int], pa.Table]


@pytest.fixture
def columns() -> FeatureColumns:
    return FeatureColumns(
        categorical=("site", "device"),
        numeric=("hour", "never_known"),
        counts=("ad_impressions",),
        rates=("ad_ctr",),
        crosses=(("site", "device"),),
        rate_evidence=(("ad_ctr", "ad_impressions"),),
    )


@pytest.fixture
def settings() -> ModelSettings:
    return ModelSettings(
        hashing=HashingSettings(bits=10, bins=8),
        boosted=BoostedSettings(max_rounds=15, max_depth=3, threads=1, min_child_weight=5.0),
    )


@pytest.fixture
def impressions() -> Impressions:
    return _impressions


def _impressions(rows: int, seed: int) -> pa.Table:
    random = np.random.default_rng(seed)
    site = random.choice(["news", "games", "mail"], rows)
    ad_ctr = random.uniform(0.02, 0.4, rows)
    hour = random.uniform(0.0, 24.0, rows)
    log_odds = np.log(ad_ctr / (1 - ad_ctr)) + np.where(site == "games", 1.5, 0.0) + np.where(hour > 18, 0.8, 0.0)
    clicked = random.random(rows) < 1 / (1 + np.exp(-log_odds))
    return pa.table(
        {
            "impression_id": [f"{seed}-{row}" for row in range(rows)],
            "dt": [date(2024, 5, 1) + timedelta(days=row % 3) for row in range(rows)],
            "site": pa.array(site, mask=random.random(rows) < 0.1),
            "device": random.choice(["phone", "desk"], rows),
            "hour": pa.array(hour, mask=random.random(rows) < 0.1),
            "never_known": pa.nulls(rows, pa.float64()),
            "ad_impressions": random.integers(0, 1000, rows),
            "ad_ctr": ad_ctr,
            "clicked": clicked.astype(np.int64),
        }
    )
