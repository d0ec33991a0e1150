"""How fast a model forgets: training rows weigh less the older their day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.arrow_values import column_of
from models.batches import DAY, WEIGHT, Batches


@dataclass(frozen=True)
class RecencyWeighted:
    """The rows of `source` with the column `weight`: 1 on the day `latest`, halved for every `half_life_days` before.

    With a half-life of 0 all days are alike and the rows pass unweighted.
    """

    source: Batches
    latest: date
    half_life_days: float

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self.source:
            yield batch.append_column(WEIGHT, self._weights(batch)) if self.half_life_days else batch

    def share(self, part: int, of: int) -> RecencyWeighted:
        """A share of the source, weighted alike."""
        return replace(self, source=self.source.share(part, of))

    def _weights(self, batch: pa.RecordBatch) -> pa.Array:
        days = pc.cast(pc.cast(column_of(batch, DAY), pa.date32()), pa.int32())
        age = (self.latest - date(1970, 1, 1)).days - np.asarray(days, dtype=np.float64)
        return pa.array(0.5 ** (age / self.half_life_days), pa.float64())


def latest_day(rows: Batches) -> date | None:
    """The latest day that the rows hold, or None without rows."""
    days = [pc.max(pc.cast(column_of(batch, DAY), pa.date32())).as_py() for batch in rows]
    return max((day for day in days if day is not None), default=None)


def better_beyond_noise(losses: np.ndarray, than: np.ndarray) -> bool:
    """Whether the mean of paired losses is lower by more than its own standard error. Shapes (rows,)."""
    gain = than - losses
    return len(gain) > 1 and float(gain.mean()) > float(gain.std(ddof=1)) / np.sqrt(len(gain))
