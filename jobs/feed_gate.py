"""The data gate of a night: counts of what landed, judged before anything is published."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

from conf.plain_text import one_line
from conf.whole_files import write_whole
from jobs.workspace import Workspace
from validation.feed import FeedProfile, FeedVerdict, check_feed, raise_if_blocked

if TYPE_CHECKING:
    from jobs.landing.landed import Landed


def check_night(workspace: Workspace, night: date, impressions: Landed, clicks: Landed | None) -> FeedVerdict:
    """Judge the night's landing; the verdict is kept beside the reports, also where it stops the night.

    Raises:
        FeedBlocked: a critical expectation failed. Nothing has been published.
    """
    profile = feed_profile(workspace, night, impressions, clicks)
    required = ("impression_id", "event_time", *workspace.dataset.user_and_ad)
    verdict = check_feed(
        impressions.used,
        profile,
        required,
        workspace.settings.feed,
        day=night,
        late_days=workspace.dataset.late_days if workspace.dataset.impressions.dated else 0,
    )
    write_whole(workspace.reports / "feed" / f"{night}.json", json.dumps(verdict.to_dict(), indent=2))
    raise_if_blocked(verdict)
    return verdict


def blocked_feeds(workspace: Workspace) -> dict[date, list[str]]:
    """Nights that the gate stopped, and why. They left no decision, only the gate's verdict."""
    found = {}
    for file in sorted((workspace.reports / "feed").glob("*.json")):
        verdict = json.loads(file.read_text(encoding="utf-8"))
        if not verdict["passed"]:
            critical = [failure for failure in verdict["failures"] if failure["severity"] == "critical"]
            found[date.fromisoformat(verdict["day"])] = [failure["message"] for failure in critical]
    return found


def feed_profile(workspace: Workspace, night: date, impressions: Landed, clicks: Landed | None) -> FeedProfile:
    """The counts that the gate looks at."""
    from pyspark.sql import functions as F

    columns = workspace.dataset.impressions.context.all
    rates = {"ctr": F.avg("clicked")} if clicks is None else {}
    nulls = {name: F.avg(F.col(name).isNull().cast("double")) for name in columns}
    measures = [F.count(F.lit(1)).alias("rows"), *[column.alias(name) for name, column in (rates | nulls).items()]]
    found = impressions.used.agg(*measures).first()
    assert found is not None
    used = impressions.counts["used"]
    if clicks is None:
        ctr = None if found["ctr"] is None else float(found["ctr"])
    else:
        ctr = clicks.counts["used"] / used if used else None
    return FeedProfile(
        day=night,
        impressions=used,
        landed=impressions.counts["landed"],
        quarantined=impressions.counts["quarantined"],
        duplicates=impressions.counts["duplicates"],
        clicks_landed=clicks.counts["landed"] if clicks else 0,
        clicks_quarantined=clicks.counts["quarantined"] if clicks else 0,
        ctr=ctr,
        null_shares={name: float(found[name] or 0.0) for name in columns},
        volumes_before=volumes_before(workspace, night),
        first_quarantined=_first_quarantined(impressions) + (_first_quarantined(clicks) if clicks else []),
    )


def volumes_before(workspace: Workspace, night: date) -> list[int]:
    """Impressions that the nights before took in, newest last."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

    since = night - timedelta(days=workspace.settings.feed.volume_days)
    rows = workspace.store.rows("landings", And(GreaterThanOrEqual("dt", since), LessThan("dt", night)))
    return [row["used"] for row in sorted(rows, key=lambda row: row["dt"]) if row["source"] == "impressions"]


def _first_quarantined(landed: Landed) -> list[tuple[str, int, str]]:
    if not landed.counts["quarantined"]:
        return []
    rows = landed.rejected.orderBy("_file", "_row").select("_file", "_row", "_reject").limit(5).collect()
    return [(one_line(row["_file"]), int(row["_row"]), one_line(row["_reject"])) for row in rows]
