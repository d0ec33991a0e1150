"""Landing files of the small data sets, from plain lists."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

FIRST = date(2026, 1, 10)
"""The first night of the small logs. No clock changes near it in any zone they use."""

IMPRESSION = ("impression_id", "user", "ad", "shown_at", "slot", "bid")
CANDIDATE = ("user", "ad", "slot")

Impression = tuple[str, str, str, str, str, str]
"""impression_id, user, ad, shown_at, slot, bid."""
Click = tuple[str, str]
"""impression_id, clicked_at."""


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """A CSV file with a header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def land(
    data: Path,
    day: date,
    *,
    impressions: Sequence[Impression] | None = None,
    clicks: Sequence[Click] | None = None,
    campaigns: Mapping[str, str] | None = None,
    candidates: Sequence[tuple[str, str, str]] | None = None,
    part: str = "",
) -> Path:
    """Land one day's files of the small click log; a kind that is None does not land. `part` makes further files."""
    folder = data / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    if impressions is not None:
        write_csv(folder / f"impressions{part}.csv", IMPRESSION, impressions)
    if clicks is not None:
        lines = [json.dumps({"impression_id": shown, "clicked_at": at}) + "\n" for shown, at in clicks]
        (folder / f"clicks{part}.jsonl").write_text("".join(lines), encoding="utf-8")
    if campaigns is not None:
        write_csv(folder / "ads.csv", ("ad", "campaign_id"), list(campaigns.items()))
    if candidates is not None:
        write_csv(folder / "candidates.csv", CANDIDATE, candidates)
    return folder


def impression(
    name: str, day: date, at: str = "12:00:00", *, user: str = "u1", ad: str = "a1", slot: str = "top"
) -> Impression:
    """One impression of a day."""
    return (name, user, ad, f"{day} {at}", slot, "1.5")


def land_inline(data: Path, rows: Sequence[tuple[str, str, str, str, str]]) -> Path:
    """Land the whole inline log: user, ad, time (ISO with offset), tab, click."""
    texts = [
        (user, ad, str(round(datetime.fromisoformat(time).timestamp() * 1000)), tab, click, "0")
        for user, ad, time, tab, click in rows
    ]
    return write_csv(data / "log.csv", ("user", "ad", "time_ms", "tab", "click", "watched"), texts)


OPEN_GATE = {"max_quarantined_share": 1.0, "min_volume_ratio": 0.0, "min_ctr": 0.0, "max_ctr": 1.0}
"""Feed settings that let logs of a few rows through."""
