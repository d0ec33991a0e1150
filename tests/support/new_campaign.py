"""An ad of a campaign and an advertiser that nobody has heard of, put into a landing folder of the simulated log."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

AD, CAMPAIGN, ADVERTISER = "a99999999", "c99999999", "v999"


def announce_campaign(folder: Path, launch: date, *, pairs: int = 400) -> None:
    """Announce the ad in the folder of the evening before, to be shown to users that other ads are shown to as well."""
    ads = pq.read_table(folder / "ads.parquet")
    [usual] = ads.group_by(["category", "format"]).aggregate([([], "count_all")]).sort_by(
        [("count_all", "descending"), ("category", "ascending"), ("format", "ascending")]
    )[:1].to_pylist()  # fmt: skip
    ad = {"ad_id": AD, "campaign_id": CAMPAIGN, "advertiser_id": ADVERTISER, "launch_date": launch}
    ad |= {"category": usual["category"], "format": usual["format"], "landing_page_score": None}
    pq.write_table(pa.concat_tables([ads, pa.Table.from_pylist([ad], schema=ads.schema)]), folder / "ads.parquet")
    candidates = pq.read_table(folder / "candidates.parquet")
    people = {(row["user_id"], row["placement"], row["device"]): row | {"ad_id": AD} for row in candidates.to_pylist()}
    shown = pa.Table.from_pylist(list(people.values())[:pairs], schema=candidates.schema)
    pq.write_table(pa.concat_tables([candidates, shown]), folder / "candidates.parquet")
