"""Ingest: a night's landing files to impressions, clicks, attributes and candidates; what cannot be used to quarantine.

Everything is read and checked before anything is published, so a night that stops here leaves the tables as they were.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.dataset import Attributes, ClickLog, Files, LandingCandidates
from features.context import pair_id
from features.parse import (
    parsed_attributes,
    parsed_candidates,
    parsed_clicks,
    parsed_impressions,
    with_duplicate_flag,
)
from jobs.feed_gate import check_night
from jobs.landing.columns import (
    attribute_source_columns,
    candidate_source_columns,
    click_source_columns,
    impression_source_columns,
)
from jobs.landing.discovery import LandingFile, files_for_night, files_of, require
from jobs.landing.reader import stage
from jobs.step import StepResult, scratch_folder
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

ALWAYS = date(1970, 1, 1)
"""The day under which attributes of a file without a date are kept: known since ever."""


@dataclass(frozen=True)
class Landed:
    """One kind of landing file, parsed: rows to use, duplicates and rejects, told apart by flags."""

    source: str
    files: tuple[LandingFile, ...]
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
        signatures = [file.signature for file in self.files]
        return {"dt": night, "source": self.source, "files": json.dumps(signatures), **self.counts}


def ingest(workspace: Workspace, night: date) -> StepResult:
    """Take in one night's landing files.

    Raises:
        LandingError: there is no impression file for the night, or a file cannot be read.
        FeedBlocked: the data gate found the feed broken.
    """
    with scratch_folder(workspace.home, "ingest") as scratch:
        landed = read_landing(workspace, night, scratch)
        check_night(workspace, night, landed["impressions"], landed.get("clicks"))
        rows = publish(workspace, night, landed)
    balance = {name: kind.counts for name, kind in landed.items()}
    return StepResult("ingest", night, rows, {"balance": balance})


def read_landing(workspace: Workspace, night: date, scratch: Path) -> dict[str, Landed]:
    """Every kind of landing file of the night, parsed into scratch files."""
    dataset = workspace.dataset
    landed = {"impressions": _impressions(workspace, night, scratch)}
    if isinstance(dataset.label, ClickLog):
        landed["clicks"] = _clicks(workspace, dataset.label, night, scratch)
    for name, table in dataset.attributes.items():
        attributes = _attributes(workspace, name, table, night, scratch)
        if attributes is not None:
            landed[f"attributes_{name}"] = attributes
    candidates = _candidates(workspace, night, scratch)
    if candidates is not None:
        landed["candidates"] = candidates
    return landed


def _night_files(workspace: Workspace, files: Files, source: str, night: date) -> list[LandingFile]:
    late_days = workspace.dataset.late_days
    taken = _taken_elsewhere(workspace, source, night)
    return files_for_night(workspace.data, files, night, late_days=late_days, taken=taken)


def _taken_elsewhere(workspace: Workspace, source: str, night: date) -> dict[date, set[str]]:
    """The other nights that have been ingested, among those that can take in the same files, and what they took."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThanOrEqual

    reach = timedelta(days=workspace.dataset.late_days)
    near = And(GreaterThanOrEqual("dt", night - reach), LessThanOrEqual("dt", night + reach))
    taken: dict[date, set[str]] = {}
    for row in workspace.store.rows("landings", near):
        names = taken.setdefault(row["dt"], set())
        if row["source"] == source:
            names.update(signature.rsplit(":", 2)[0] for signature in json.loads(row["files"]))
    taken.pop(night, None)
    return taken


def _staged(
    workspace: Workspace, files: Sequence[LandingFile], layout: Files, columns: Sequence[str], folder: Path
) -> DataFrame:
    stage(files, layout, columns, folder)
    return workspace.engine.read.parquet(str(folder))


def _kept(workspace: Workspace, source: str, files: Sequence[LandingFile], rows: DataFrame, folder: Path) -> Landed:
    """Write parsed rows to scratch once, so that counting, checking and publishing do not parse again."""
    from pyspark.sql import functions as F

    rows.write.parquet(str(folder))
    wrote = any(folder.rglob("*.parquet"))  # without rows there may be no file
    schema = rows.schema
    parsed = workspace.engine.read.schema(schema).parquet(str(folder)) if wrote else _empty(workspace, schema)
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
    return Landed(source, tuple(files), parsed, counts)


def _empty(workspace: Workspace, schema: StructType) -> DataFrame:
    return workspace.engine.createDataFrame([], schema)


def _impressions(workspace: Workspace, night: date, scratch: Path) -> Landed:
    dataset, log = workspace.dataset, workspace.dataset.impressions
    files = require(_night_files(workspace, log, "impressions", night), workspace.data, log, "impressions", night)
    columns = impression_source_columns(dataset)
    staged = _staged(workspace, files, log, columns, scratch / "impressions_staged")
    parsed = parsed_impressions(staged, dataset, columns)
    own = _within_reach(parsed, night, dataset.late_days) if log.dated else _of_day(parsed, night)
    flagged = with_duplicate_flag(own, ["impression_id"])
    known = _known_impressions(workspace, night)
    landed = _kept(workspace, "impressions", files, _also_known(flagged, known), scratch / "impressions")
    if not log.dated and not landed.counts["landed"]:
        raise _no_rows(workspace, night)
    return landed


def _no_rows(workspace: Workspace, night: date) -> Exception:
    from conf.errors import LandingError

    return LandingError(
        f"The impression files in {workspace.data} hold no row of {night} (days in {workspace.dataset.time_zone}). "
        "Check the date and the data set's time column, unit and zone."
    )


def _of_day(parsed: DataFrame, day: date) -> DataFrame:
    """The rows of one day. Rows whose day is unknown belong to the first day in the files, so that they count once."""
    from pyspark.sql import functions as F

    first = parsed.agg(F.min("dt")).first()
    mine = F.col("dt") == F.lit(day)
    if first is not None and first[0] == day:
        mine = mine | F.col("dt").isNull()
    return parsed.where(mine)


def _within_reach(parsed: DataFrame, night: date, late_days: int) -> DataFrame:
    """Rows that landed in time; a row from the future, or from too long ago, is rejected."""
    from pyspark.sql import functions as F

    oldest = night - timedelta(days=late_days)
    future = F.when(F.col("dt") > F.lit(night), F.lit(f"dated after {night}, the day it arrived"))
    old = F.when(
        F.col("dt") < F.lit(oldest), F.lit(f"dated before {oldest}, more than {late_days} days before it arrived")
    )
    return parsed.withColumn("_reject", F.coalesce("_reject", future, old))


def _known_impressions(workspace: Workspace, night: date) -> DataFrame:
    """Ids of impressions that arrived on earlier nights, for the days that this night can touch."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan, LessThanOrEqual

    since = night - timedelta(days=workspace.dataset.late_days)
    reach = And(And(GreaterThanOrEqual("dt", since), LessThanOrEqual("dt", night)), LessThan("arrived", night))
    return workspace.store.read(workspace.engine, "impressions", reach).select("impression_id")


def _also_known(flagged: DataFrame, known: DataFrame, on: Sequence[str] = ("impression_id",)) -> DataFrame:
    """`flagged` with rows that an earlier night brought marked as duplicates too."""
    from pyspark.sql import functions as F

    marked = known.distinct().withColumn("_known", F.lit(True))
    joined = flagged.join(marked, on=list(on), how="left")
    again = F.col("_duplicate") | (F.coalesce(F.col("_known"), F.lit(False)) & F.col("_reject").isNull())
    return joined.withColumn("_duplicate", again).drop("_known")


def _clicks(workspace: Workspace, log: ClickLog, night: date, scratch: Path) -> Landed:
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

    dataset = workspace.dataset
    files = _night_files(workspace, log, "clicks", night)
    columns = click_source_columns(log)
    staged = (
        _staged(workspace, files, log, columns, scratch / "clicks_staged") if files else _nothing(workspace, columns)
    )
    parsed = parsed_clicks(staged, dataset, columns)
    own = _within_reach(parsed, night, dataset.late_days) if log.dated else _of_day(parsed, night)
    key = ["impression_id", "click_time"]
    before = And(GreaterThanOrEqual("dt", night - timedelta(days=dataset.late_days)), LessThan("dt", night))
    known = workspace.store.read(workspace.engine, "clicks", before).select(*key)
    return _kept(workspace, "clicks", files, _also_known(with_duplicate_flag(own, key), known, key), scratch / "clicks")


def _nothing(workspace: Workspace, columns: Sequence[str]) -> DataFrame:
    wanted = [f"`{name}` string" for name in columns]
    schema = ", ".join([*wanted, "_file string", "_row bigint", "_text string", "_reject string"])
    return workspace.engine.createDataFrame([], schema)


def _attributes(workspace: Workspace, name: str, table: Attributes, night: date, scratch: Path) -> Landed | None:
    """The night's snapshot of an attribute table; None where nothing new has landed."""
    source = f"attributes_{name}"
    files = files_of(workspace.data, table, night)
    if not files and not table.dated:
        require(files, workspace.data, table, source, night)
    if not files or (not table.dated and _unchanged(workspace, source, files)):
        return None
    columns = attribute_source_columns(table)
    staged = _staged(workspace, files, table, columns, scratch / f"{source}_staged")
    flagged = with_duplicate_flag(parsed_attributes(staged, table, columns), [table.key])
    return _kept(workspace, source, files, flagged, scratch / source)


def _unchanged(workspace: Workspace, source: str, files: Sequence[LandingFile]) -> bool:
    """Whether an undated attribute file is the one already kept."""
    from pyiceberg.expressions import EqualTo

    kept = workspace.store.rows("landings", EqualTo("dt", ALWAYS))
    signatures = json.dumps([file.signature for file in files])
    return any(row["source"] == source and row["files"] == signatures for row in kept)


def _candidates(workspace: Workspace, night: date, scratch: Path) -> Landed | None:
    """Pairs to be scored for the next day; None where none have landed."""
    dataset = workspace.dataset
    if isinstance(dataset.candidates, LandingCandidates):
        files = files_of(workspace.data, dataset.candidates, night)
        if not files:
            return None
        declared = dataset.candidates
        columns = candidate_source_columns(declared)
        staged = _staged(workspace, files, declared, columns, scratch / "candidates_staged")
        parsed = parsed_candidates(staged, declared, columns)
    else:
        files = files_of(workspace.data, dataset.impressions, night + timedelta(days=1))
        if not files:
            return None
        columns = impression_source_columns(dataset)
        staged = _staged(workspace, files, dataset.impressions, columns, scratch / "candidates_staged")
        parsed = _of_next_day(parsed_impressions(staged, dataset, columns), night)
    paired = parsed.withColumn("pair_id", pair_id(dataset))
    return _kept(workspace, "candidates", files, with_duplicate_flag(paired, ["pair_id"]), scratch / "candidates")


def _of_next_day(parsed: DataFrame, night: date) -> DataFrame:
    """The next day's usable impressions without their labels. What is wrong with them is the next night's affair."""
    from pyspark.sql import functions as F

    tomorrow = parsed.where((F.col("dt") == F.lit(night + timedelta(days=1))) & F.col("_reject").isNull())
    return tomorrow.drop("clicked") if "clicked" in parsed.columns else tomorrow


def publish(workspace: Workspace, night: date, landed: dict[str, Landed]) -> dict[str, int]:
    """Commit everything that the night took in: one commit a table, the ledger last."""
    from pyiceberg.expressions import EqualTo
    from pyspark.sql import functions as F

    store = workspace.store
    arrived = F.lit(night)
    impressions = landed["impressions"].used.withColumn("arrived", arrived)
    rows = {"impressions": store.replace("impressions", EqualTo("arrived", night), impressions)}
    if "clicks" in landed:
        clicks = landed["clicks"].used.withColumn("dt", arrived)
        rows["clicks"] = store.replace("clicks", EqualTo("dt", night), clicks)
    for name, table in workspace.dataset.attributes.items():
        source = f"attributes_{name}"
        if source in landed:
            day = night if table.dated else ALWAYS
            rows[source] = store.replace(source, EqualTo("dt", day), landed[source].used.withColumn("dt", F.lit(day)))
        elif table.dated:
            store.replace_rows(source, EqualTo("dt", night), [])  # the files of an earlier run have been taken away
    tomorrow = night + timedelta(days=1)
    if "candidates" in landed:
        pairs = landed["candidates"].used.withColumn("dt", F.lit(tomorrow))
        rows["candidates"] = store.replace("candidates", EqualTo("dt", tomorrow), pairs)
    else:
        store.replace_rows("candidates", EqualTo("dt", tomorrow), [])
    rows["quarantine"] = store.replace("quarantine", EqualTo("dt", night), _quarantined(landed, night))
    static = [f"attributes_{name}" for name, table in workspace.dataset.attributes.items() if not table.dated]
    balances = [kind.balance(ALWAYS if name in static else night) for name, kind in landed.items()]
    for day in (ALWAYS, night):
        mine = [balance for balance in balances if balance["dt"] == day]
        if mine:
            kept = [row for row in store.rows("landings", EqualTo("dt", day)) if day == ALWAYS]
            names = {row["source"] for row in mine}
            store.replace_rows("landings", EqualTo("dt", day), [*mine, *(r for r in kept if r["source"] not in names)])
    return rows


def _quarantined(landed: dict[str, Landed], night: date) -> DataFrame:
    from pyspark.sql import functions as F

    parts = [
        kind.rejected.select(
            F.lit(night).alias("dt"),
            F.lit(kind.source).alias("source"),
            F.col("_file").alias("file"),
            F.col("_row").alias("position"),
            F.col("_text").alias("text"),
            F.col("_reject").alias("reason"),
        )
        for kind in landed.values()
    ]
    united = parts[0]
    for part in parts[1:]:
        united = united.unionByName(part)
    return united
