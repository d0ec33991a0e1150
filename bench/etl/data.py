"""A generated log as the store would hold it: Parquet files of impressions and clicks by day, and ads."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAYS = 8
FIRST = date(2026, 1, 1)
LAST = FIRST + timedelta(days=DAYS - 1)
ADS, CAMPAIGNS = 5_000, 400
SLOTS = ("top", "side", "story", "search")
CLICKED = 0.06
WINDOW_HOURS = 24
ROWS_A_PART = 2_000_000


def make_log(folder: Path, impressions: int, seed: int = 7) -> Path:
    """A folder with the log of eight days, made once: a complete one is used again.

    Users and ads are drawn with long tails; clicks come with delays of an hour in the mean, a few of them after the
    window has closed, and belong to the day they come on.
    """
    done = folder / f"log-{impressions}-{seed}"
    if done.is_dir():
        return done
    partial = folder / f"log-{impressions}-{seed}.partial"
    draw = np.random.default_rng(seed)
    for number in range(DAYS):
        _write_day(partial, draw, number, impressions // DAYS)
    ads = pa.table(
        {
            "ad_id": [f"a{number}" for number in range(ADS)],
            "campaign_id": [f"c{number % CAMPAIGNS}" for number in range(ADS)],
        }
    )
    pq.write_table(ads, partial / "ads.parquet")
    partial.rename(done)
    return done


def _write_day(folder: Path, draw: np.random.Generator, number: int, rows: int) -> None:
    day = FIRST + timedelta(days=number)
    for part, first in enumerate(range(0, rows, ROWS_A_PART)):
        count = min(ROWS_A_PART, rows - first)
        shown = _microseconds(day) + np.sort(draw.integers(0, 86_400_000_000, count))
        ids = pa.array(np.arange(first, first + count) + number * rows).cast(pa.string())
        users = draw.zipf(1.3, count) % max(1, rows // 3)
        impressions = {
            "impression_id": ids,
            "event_time": _times(shown),
            "user_id": _named("u", users),
            "ad_id": _named("a", (draw.pareto(0.8, count) * 40).astype(np.int64) % ADS),
            "slot": pa.array(np.array(SLOTS)[draw.integers(0, len(SLOTS), count)]),
            "arrived": _days(np.full(count, number)),
            "dt": _days(np.full(count, number)),
        }
        _write(folder / "impressions" / f"{day}-{part}.parquet", impressions)
        clicked = np.flatnonzero(draw.random(count) < CLICKED)
        delays = (
            draw.exponential(3_600_000_000, len(clicked)) * draw.choice([1, 20], len(clicked), p=[0.95, 0.05])
        ).astype(np.int64)
        at = shown[clicked] + delays
        arrived = (at - _microseconds(FIRST)) // 86_400_000_000
        clicks = {"impression_id": ids.take(pa.array(clicked)), "click_time": _times(at), "dt": _days(arrived)}
        _write(folder / "clicks" / f"{day}-{part}.parquet", clicks)


def _write(file: Path, columns: dict[str, pa.Array]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), file, row_group_size=500_000)


def _microseconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1_000_000


def _times(microseconds: np.ndarray) -> pa.Array:
    return pa.array(microseconds, pa.timestamp("us", "UTC"))


def _days(numbers: np.ndarray) -> pa.Array:
    return pa.array((numbers + (FIRST - date(1970, 1, 1)).days).astype(np.int32)).cast(pa.date32())


def _named(prefix: str, numbers: np.ndarray) -> pa.Array:
    text = pa.array(numbers).cast(pa.string())
    return pa.compute.binary_join_element_wise(pa.scalar(prefix), text, "")
