"""Calendar days in the world's own time zone, and times as the log spells them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulation.draws import Ints

HOUR_MS = 3_600_000
_QUARTER_MS = HOUR_MS // 4


def midnight_ms(day: int, time_zone: str) -> int:
    """The instant a calendar day (an ordinal) begins, in milliseconds since 1970 UTC."""
    begins = datetime.combine(date.fromordinal(day), datetime.min.time(), tzinfo=ZoneInfo(time_zone))
    return int(begins.timestamp() * 1000)


def spelled_times(instants: Ints, time_zone: str) -> pa.Array:
    """ISO 8601 text with milliseconds and offset, such as 2026-01-05T13:45:12.345+00:00, for instants in ms."""
    if len(instants) == 0:
        return pa.array([], pa.string())
    # Offsets only ever change at a quarter of an hour, so a day needs about a hundred look-ups, not one a row.
    quarters, which = np.unique(instants // _QUARTER_MS, return_inverse=True)
    starts = [datetime.fromtimestamp(int(quarter) * _QUARTER_MS / 1000, tz=UTC) for quarter in quarters]
    local = [start.astimezone(ZoneInfo(time_zone)) for start in starts]
    offsets_ms = np.array([_offset_ms(when) for when in local])
    offset_texts = pa.array([when.isoformat()[-6:] for when in local])
    # Not NumPy's text: what Arrow makes of a million of those comes in chunks.
    wall_clock = pc.strftime(pa.array((instants + offsets_ms[which]).astype("datetime64[ms]")), "%Y-%m-%dT%H:%M:%S")
    return pc.binary_join_element_wise(wall_clock, offset_texts.take(pa.array(which)), "")


def _offset_ms(local: datetime) -> int:
    wall_clock = local.replace(tzinfo=UTC)
    return int((wall_clock - local).total_seconds() * 1000)
