"""One kind of landing file of a night: staged, parsed once, counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.landing import Files
from jobs.landing.discovery import LandingFile
from jobs.landing.reader import stage
from jobs.landing.staged import staged_schema
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

ALWAYS = date(1970, 1, 1)
"""The day under which attributes of a file without a date are kept: known since ever."""


@dataclass(frozen=True)
class Landed:
    """One kind of landing file, parsed: rows to use, duplicates and rejects, told apart by flags."""

    source: str
    signatures: tuple[str, ...]
    parsed: DataFrame
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def used(self) -> DataFrame:
        """The rows that can be used."""
        return self.parsed.where("_reject is null and not _duplicate")

    @property
    def rejected(self) -> DataFrame:
        """The rows that go to quarantine."""
        return self.parsed.where("_reject is not null")

    def balance(self, night: date) -> dict[str, Any]:
        """The row of the table `landings`."""
        return {"dt": night, "source": self.source, "files": json.dumps(self.signatures), **self.counts}


def staged_rows(
    workspace: Workspace, files: Sequence[LandingFile], layout: Files, columns: Sequence[str], folder: Path
) -> DataFrame:
    """The rows of landing files as text, as the reader stages them below `folder`."""
    stage(files, layout, columns, folder)
    return workspace.engine.read.parquet(str(folder))


def no_rows(workspace: Workspace, columns: Sequence[str]) -> DataFrame:
    """What `staged_rows` yields for files without a row."""
    from pyspark.sql.types import LongType, StringType, StructField, StructType

    names = staged_schema(columns).names
    fields = [StructField(name, LongType() if name == "_row" else StringType()) for name in names]
    return workspace.engine.createDataFrame([], StructType(fields))


def kept(workspace: Workspace, source: str, signatures: Sequence[str], rows: DataFrame, folder: Path) -> Landed:
    """Write parsed rows to scratch once, so that counting, checking and publishing do not parse again."""
    from pyspark.sql import functions as F

    rows.write.parquet(str(folder))
    wrote = any(folder.rglob("*.parquet"))  # without rows there may be no file
    schema = rows.schema
    engine = workspace.engine
    parsed = engine.read.schema(schema).parquet(str(folder)) if wrote else engine.createDataFrame([], schema)
    rejected, duplicate = F.col("_reject").isNotNull(), F.col("_duplicate")
    counted = parsed.agg(
        F.count(F.lit(1)).alias("landed"),
        F.count(F.when(rejected, 1)).alias("quarantined"),
        F.count(F.when(duplicate, 1)).alias("duplicates"),
    ).first()
    assert counted is not None
    landed, quarantined, duplicates = (int(counted[name]) for name in ("landed", "quarantined", "duplicates"))
    used = landed - quarantined - duplicates
    counts = {"landed": landed, "used": used, "duplicates": duplicates, "quarantined": quarantined}
    return Landed(source, tuple(signatures), parsed, counts)
