"""Small made-up logs in the formats of public data sets: their file names, headers and spellings, not their data."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

CRITEO_COLUMNS = (
    *("timestamp", "uid", "campaign", "conversion", "conversion_timestamp", "conversion_id", "attribution", "click"),
    *("click_pos", "click_nb", "cost", "cpo", "time_since_last_click", *(f"cat{number}" for number in range(1, 10))),
)
AVAZU_COLUMNS = (
    *("id", "click", "hour", "C1", "banner_pos", "site_id", "site_domain", "site_category"),
    *("app_id", "app_domain", "app_category", "device_id", "device_ip", "device_model", "device_type"),
    *("device_conn_type", "C14", "C15", "C16", "C17", "C18", "C19", "C20", "C21"),
)
ITEMS = 80


def hashed(*parts: object, length: int = 8) -> str:
    """A hexadecimal value that stands for its parts."""
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()[:length]


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> None:
    """A delimited file with a header, gzipped where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def criteo_attribution(folder: Path, days: int = 3, rows_a_day: int = 1500) -> None:
    """`criteo_attribution_dataset.tsv.gz`: seconds from 0, -1 for nothing, outcomes beside the label."""
    draw = np.random.default_rng(1)
    seconds = np.sort(draw.integers(0, days * 86_400, days * rows_a_day))
    rows = []
    for second in seconds:
        user, campaign, cat1 = draw.integers(0, 700), draw.integers(0, 25), draw.integers(0, 5)
        click = int(draw.random() < 0.15 + 0.08 * (campaign % 5) + 0.1 * (cat1 == 2))
        conversion = int(draw.random() < (0.2 if click else 0.01))
        later = second + draw.integers(60, 900_000) if conversion else -1
        order = draw.integers(0, 10**6) if conversion else -1
        clicks = (draw.integers(0, 3), draw.integers(1, 4)) if conversion and click else (-1, -1)
        cost, cpo = (f"{value:.18g}" for value in draw.lognormal(-9, 1, 2))
        since = draw.integers(1, 500_000) if draw.random() < 0.4 else -1
        categories = [30_000_000 + cat1, *draw.integers(20_000_000, 20_000_009, 8)]
        outcome = (conversion, later, order, int(conversion and click), click, *clicks)
        rows.append((second, 20_000_000 + user, 10_341_182 + campaign, *outcome, cost, cpo, since, *categories))
    write_rows(folder / "criteo_attribution_dataset.tsv.gz", CRITEO_COLUMNS, rows, "\t")


def avazu(folder: Path, days: int = 2, rows_a_day: int = 1500) -> None:
    """`train.gz`: hours as yyMMddHH, hashed names, most devices without an id, no user and no ad."""
    draw = np.random.default_rng(2)
    begin = datetime(2014, 10, 21, tzinfo=UTC)
    rows = []
    for number, hour in enumerate(np.sort(draw.integers(0, days * 24, days * rows_a_day))):
        site, app, group, banner = (draw.integers(0, size) for size in (30, 20, 15, 3))
        device = "a99f214a" if draw.random() < 0.8 else hashed("device", draw.integers(0, 500))
        click = int(draw.random() < 0.04 + 0.02 * (site % 6) + 0.3 * (group % 5 == 3))
        rows.append(
            (
                *(10_000_000_000_000_000_000 + number * 7_919, click),
                *(f"{begin + timedelta(hours=int(hour)):%y%m%d%H}", 1005 + 2 * (banner == 2), banner),
                *(hashed("site", site), hashed("domain", site // 2), hashed("category", site // 8)),
                *(hashed("app", app), hashed("app_domain", app // 3), hashed("app_category", app // 6), device),
                *(hashed("ip", draw.integers(0, 900)), hashed("model", draw.integers(0, 80)), draw.choice([0, 1, 4])),
                *(draw.choice([0, 2, 3]), 15_700 + group * 3 + draw.integers(0, 3), 320, 50, 1_700 + group, group % 4),
                *(35 + 4 * (group % 3), draw.choice([-1, 100_084, 100_111]), 20 + group // 2),
            )
        )
    write_rows(folder / "train.gz", AVAZU_COLUMNS, rows)


def open_bandit(folder: Path, days: int = 2, rows_a_day: int = 1500) -> None:
    """`random/all/all.csv` with `item_context.csv`: a first column without a name, text times with an offset."""
    draw = np.random.default_rng(3)
    begin = datetime(2019, 11, 24, tzinfo=UTC)
    features = [f"user_feature_{number}" for number in range(4)]
    affinities = [f"user-item_affinity_{number}" for number in range(ITEMS)]
    rows = []
    for number, micros in enumerate(np.sort(draw.integers(0, days * 86_400 * 10**6, days * rows_a_day))):
        item, position = draw.integers(0, ITEMS), draw.integers(1, 4)
        click = int(draw.random() < 0.03 + 0.05 * (item % 4 == 0) + 0.02 * (position == 1))
        user = [hashed(name, draw.integers(0, 6), length=32) for name in features]
        affinity = [float(draw.random() < 0.01) for _ in range(ITEMS)]
        time = f"{begin + timedelta(microseconds=int(micros))}"
        rows.append((number, time, item, position, click, 1 / ITEMS, *user, *affinity))
    header = ("", "timestamp", "item_id", "position", "click", "propensity_score", *features, *affinities)
    write_rows(folder / "random/all/all.csv", header, rows)
    item_rows = [
        (item, item, f"{draw.normal():.16f}", *(hashed("f", n, item % (5 + n), length=32) for n in range(3)))
        for item in range(ITEMS)
    ]
    item_header = ("", "item_id", *(f"item_feature_{number}" for number in range(4)))
    write_rows(folder / "random/all/item_context.csv", item_header, item_rows)
