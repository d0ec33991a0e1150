"""Training sets: exactly the rows that a registered version was trained and judged on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from conf.errors import NotReady, SettingsError
from jobs.reading import rows
from jobs.store.contents import EMPTY, Content, contents_by
from jobs.trainings import require_model, training_of
from jobs.workspace import Workspace

TABLE = "training_examples"


@dataclass(frozen=True)
class TrainingSet:
    """Days of `training_examples` at one snapshot, by the part they played."""

    snapshot: int
    parts: Mapping[str, tuple[date, ...]]
    version: str | None = None


@dataclass(frozen=True)
class Measured:
    """A training set's rows and digest by part. Digests do not depend on the order of rows."""

    training_set: TrainingSet
    parts: Mapping[str, Content]

    @property
    def whole(self) -> Content:
        """All parts together."""
        return sum(self.parts.values(), EMPTY)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        days = self.training_set.parts
        return {
            "version": self.training_set.version,
            "snapshot": str(self.training_set.snapshot),
            "parts": [
                {
                    "part": part,
                    "days": [str(day) for day in days[part]],
                    "rows": content.rows,
                    "digest": f"{content.hashes:016x}",
                }
                for part, content in self.parts.items()
            ],
            "rows": self.whole.rows,
            "digest": f"{self.whole.hashes:016x}",
        }


def of_version(workspace: Workspace, version: str) -> TrainingSet:
    """What a registered version was trained, validated and judged on.

    Raises:
        SettingsError: there is no such version.
        NotReady: it was trained before its days were kept, or its model has been removed.
    """
    training = training_of(workspace, version)
    require_model(training)
    if not training["split"] or training["snapshot"] is None:
        raise NotReady(f"Version {version} was trained before its days and snapshot were kept. Train it again.")
    split = json.loads(training["split"])
    parts = {part: tuple(date.fromisoformat(day) for day in days) for part, days in split.items()}
    return TrainingSet(training["snapshot"], parts, version)


def of_snapshot(workspace: Workspace, snapshot: int, days: Sequence[date]) -> TrainingSet:
    """Some days of a snapshot, as one part."""
    return TrainingSet(snapshot, {"days": tuple(days)})


def measure(workspace: Workspace, training_set: TrainingSet) -> Measured:
    """Rows and digest by part.

    Raises:
        SettingsError: the snapshot is not there any more.
    """
    from pyiceberg.expressions import In

    rows(workspace, TABLE, snapshot=training_set.snapshot, limit=1)
    every = [day for days in training_set.parts.values() for day in days]
    read = workspace.store.read(workspace.engine, TABLE, In("dt", every), training_set.snapshot)
    by_day = {day: content for (day,), content in contents_by(read, ("dt",)).items()}
    parts = {part: sum((by_day.get(day, EMPTY) for day in days), EMPTY) for part, days in training_set.parts.items()}
    return Measured(training_set, parts)


def write(workspace: Workspace, training_set: TrainingSet, file: Path) -> int:
    """Write the rows to one Parquet file, the column `part` in front; returns how many there are. A day at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not file.parent.is_dir():
        raise SettingsError(f"--output {file}: there is no folder {file.parent}.")
    writer, count = None, 0
    try:
        for part, days in training_set.parts.items():
            for day in days:
                found = rows(workspace, TABLE, day=day, snapshot=training_set.snapshot)
                marked = found.add_column(0, "part", pa.array([part] * found.num_rows, pa.string()))
                writer = writer or pq.ParquetWriter(file, marked.schema)
                writer.write_table(marked)
                count += found.num_rows
    finally:
        if writer is not None:
            writer.close()
    return count
