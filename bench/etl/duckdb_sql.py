"""The same tables by hand-written SQL in DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from bench.etl.data import LAST, WINDOW_HOURS
from bench.etl.tables_written import checked, fresh_out

HISTORIES = {
    "all": "'all'",
    "user": "user_id",
    "campaign": "campaign_id",
    "ad": "ad_id",
    "user_campaign": "user_id || '\u241f' || campaign_id",
}
QUALIFIED = {name: key.replace("user_id", "examples.user_id") for name, key in HISTORIES.items()}

FIRST_RATE, FIRST_TRUST, TRUST = 0.05, 20.0, 20.0

EXAMPLES = f"""
CREATE TEMP TABLE examples AS
WITH first_click AS (
    SELECT c.impression_id, min(c.dt) AS click_arrived
    FROM read_parquet($clicks) c JOIN read_parquet($impressions) i USING (impression_id)
    WHERE c.click_time BETWEEN i.event_time AND i.event_time + INTERVAL {WINDOW_HOURS} HOUR
    GROUP BY ALL
)
SELECT i.*, ads.campaign_id, click_arrived,
       (click_arrived IS NOT NULL)::INT AS clicked,
       (click_arrived IS NOT NULL AND greatest(arrived, click_arrived) <= dt)::INT AS clicked_provisional,
       true AS final, greatest(DATE '{LAST}', arrived, click_arrived) AS known_on
FROM read_parquet($impressions) i
LEFT JOIN first_click USING (impression_id)
LEFT JOIN read_parquet($ads) ads USING (ad_id)
"""


def _counts() -> str:
    """One grouping a history: DuckDB is faster so than with grouping sets over a computed key."""
    each = [
        f"""SELECT known_on, dt, '{name}' AS history, {key} AS key, sum(shown)::BIGINT AS impressions,
            sum(clicked)::BIGINT AS clicks
        FROM learned WHERE {key} IS NOT NULL GROUP BY ALL"""
        for name, key in HISTORIES.items()
    ]
    return f"""
    CREATE TEMP TABLE counts AS
    WITH learned AS (
        SELECT arrived AS known_on, dt, user_id, ad_id, campaign_id, 1 AS shown,
               (click_arrived IS NOT NULL AND greatest(arrived, click_arrived) = arrived)::INT AS clicked FROM examples
        UNION ALL
        SELECT greatest(arrived, click_arrived), dt, user_id, ad_id, campaign_id, 0, 1
        FROM examples WHERE click_arrived > arrived AND greatest(arrived, click_arrived) <= DATE '{LAST}'
    ) {" UNION ALL ".join(each)}
    """


FEATURES = f"""
CREATE TEMP TABLE features AS
SELECT DATE '{LAST}' AS dt, history, key,
    coalesce(sum(impressions) FILTER (dt >= DATE '{LAST}' - 1), 0)::DOUBLE AS impressions_1d,
    coalesce(sum(clicks) FILTER (dt >= DATE '{LAST}' - 1), 0)::DOUBLE AS clicks_1d,
    sum(impressions)::DOUBLE AS impressions_7d, sum(clicks)::DOUBLE AS clicks_7d,
    max(c.dt) AS last_day, max(c.dt) FILTER (clicks > 0) AS last_click_day, count(DISTINCT c.dt)::DOUBLE AS active_days
FROM counts c WHERE known_on < DATE '{LAST}' AND dt < DATE '{LAST}' AND dt >= DATE '{LAST}' - 7
GROUP BY history, key
"""


def _joined() -> str:
    """The last day's rows with each history's counts and its smoothed rates, which lean on the rates above."""
    counts = [
        f"coalesce(of_{name}.{column}, 0.0) AS {name}__{column}"
        for name in HISTORIES
        for column in ("impressions_1d", "clicks_1d", "impressions_7d", "clicks_7d")
    ]
    joins = [
        f"LEFT JOIN (FROM features WHERE history = '{name}') of_{name} ON of_{name}.key = {key}"
        for name, key in QUALIFIED.items()
    ]

    def shrunk(name: str, days: int, above: str, trust: float) -> str:
        return f"({name}__clicks_{days}d + {trust} * {above}) / ({name}__impressions_{days}d + {trust})"

    above = {"user": "all", "campaign": "all", "ad": "campaign", "user_campaign": "user"}
    rates = [f"{shrunk('all', 7, str(FIRST_RATE), FIRST_TRUST)} AS all__ctr_7d"]
    for name, parent in above.items():
        rates.append(f"{shrunk(name, 7, f'{parent}__ctr_7d', TRUST)} AS {name}__ctr_7d")
        rates.append(f"{shrunk(name, 1, f'{name}__ctr_7d', TRUST)} AS {name}__ctr_1d")
    return f"""
    CREATE TEMP VIEW joined AS
    SELECT *, {", ".join(rates)} FROM (
        SELECT examples.*, {", ".join(counts)} FROM examples {" ".join(joins)} WHERE examples.dt = DATE '{LAST}'
    )
    """


__all__ = ["checked", "prepared"]


def prepared(task: Mapping[str, Any]) -> Callable[[], None]:
    """Imports DuckDB; the work writes the four tables into the side's folder."""
    import duckdb

    log, out = Path(task["log"]), fresh_out(task)

    def work() -> None:
        db = duckdb.connect()
        db.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        files = {"impressions": f"{log}/impressions/*.parquet", "clicks": f"{log}/clicks/*.parquet"}
        db.execute(EXAMPLES, files | {"ads": f"{log}/ads.parquet"})
        db.execute(_counts())
        db.execute(FEATURES)
        db.execute(_joined())
        for table in ("examples", "counts", "features", "joined"):
            db.execute(f"COPY {table} TO '{out}/{table}.parquet' (COMPRESSION zstd)")  # as the engine writes

    return work
