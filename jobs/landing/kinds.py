"""A night's landing by kind: impressions, clicks, attributes and candidates, each with what is wrong or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from conf.dataset import Dataset
from conf.errors import NothingLanded
from conf.landing import Attributes, ClickLog, Files, LandingCandidates
from features.arrival import also_known, of_day, of_next_day, with_duplicate_flag, within_reach
from features.context import pair_id
from features.parse import parsed_attributes, parsed_candidates, parsed_clicks, parsed_impressions
from jobs.landing.columns import (
    attribute_source_columns,
    candidate_source_columns,
    click_source_columns,
    impression_source_columns,
)
from jobs.landing.discovery import LandingFile, files_of, require
from jobs.landing.landed import Landed, kept, no_rows, staged_rows
from jobs.landing.night_files import night_files, unchanged
from jobs.landing.whole_logs import whole_logs
from jobs.store.spans import Span, between
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


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


def _staged(
    workspace: Workspace,
    source: str,
    log: Files,
    files: Sequence[LandingFile],
    columns: Sequence[str],
    day: date,
    scratch: Path,
) -> tuple[DataFrame, list[str], Span | None]:
    """The rows of a day's files as text and the files' signatures: of files that each belong to a day all rows, of
    files that hold all days those that `WholeLog.of_day` gives, with its span."""
    if not files:
        return no_rows(workspace, columns), [], None
    if not log.dated:
        return whole_logs(workspace)[source].of_day(files, day)
    rows = staged_rows(workspace, files, log, columns, scratch / f"{source}_staged")
    return rows, [file.signature for file in files], None


def _of_night(parsed: DataFrame, dataset: Dataset, log: Files, night: date, span: Span | None) -> DataFrame:
    """The parsed rows that the night takes in; of files that each belong to a day also those that come too late."""
    return within_reach(parsed, night, dataset.late_days) if log.dated else of_day(parsed, night, span)


def _impressions(workspace: Workspace, night: date, scratch: Path) -> Landed:
    dataset, log = workspace.dataset, workspace.dataset.impressions
    files = require(night_files(workspace, log, "impressions", night), workspace.data, log, "impressions", night)
    columns = impression_source_columns(dataset)
    staged, signatures, span = _staged(workspace, "impressions", log, files, columns, night, scratch)
    own = _of_night(parsed_impressions(staged, dataset, columns), dataset, log, night, span)
    flagged = with_duplicate_flag(own, ["impression_id"])
    known = _known_impressions(workspace, night)
    landed = kept(workspace, "impressions", signatures, also_known(flagged, known), scratch / "impressions")
    if not log.dated and not landed.counts["landed"]:
        raise _no_rows_of(workspace, night)
    return landed


def _no_rows_of(workspace: Workspace, night: date) -> NothingLanded:
    return NothingLanded(
        f"The impression files in {workspace.data} hold no row of {night} (days in {workspace.dataset.time_zone}). "
        "Check the date and the data set's time column, unit and zone."
    )


def _known_impressions(workspace: Workspace, night: date) -> DataFrame:
    """Ids of impressions that arrived on earlier nights, for the days that this night can touch."""
    from pyiceberg.expressions import And, LessThan

    since = night - timedelta(days=workspace.dataset.late_days)
    reach = And(between(since, night), LessThan("arrived", night))
    return workspace.store.read(workspace.engine, "impressions", reach).select("impression_id")


def _clicks(workspace: Workspace, log: ClickLog, night: date, scratch: Path) -> Landed:
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

    dataset = workspace.dataset
    files = night_files(workspace, log, "clicks", night)
    columns = click_source_columns(log)
    staged, signatures, span = _staged(workspace, "clicks", log, files, columns, night, scratch)
    own = _of_night(parsed_clicks(staged, dataset, columns), dataset, log, night, span)
    key = ["impression_id", "click_time"]
    before = And(GreaterThanOrEqual("dt", night - timedelta(days=dataset.late_days)), LessThan("dt", night))
    known = workspace.store.read(workspace.engine, "clicks", before).select(*key)
    flagged = also_known(with_duplicate_flag(own, key), known, key)
    return kept(workspace, "clicks", signatures, flagged, scratch / "clicks")


def _attributes(workspace: Workspace, name: str, table: Attributes, night: date, scratch: Path) -> Landed | None:
    """The night's snapshot of an attribute table; None where nothing new has landed."""
    source = f"attributes_{name}"
    files = files_of(workspace.data, table, night)
    if not files and not table.dated:
        require(files, workspace.data, table, source, night)
    if not files or (not table.dated and unchanged(workspace, source, files)):
        return None
    columns = attribute_source_columns(table)
    staged = staged_rows(workspace, files, table, columns, scratch / f"{source}_staged")
    flagged = with_duplicate_flag(parsed_attributes(staged, table, columns), [table.key])
    return kept(workspace, source, [file.signature for file in files], flagged, scratch / source)


def _candidates(workspace: Workspace, night: date, scratch: Path) -> Landed | None:
    """Pairs to be scored for the next day; None where none have landed."""
    dataset = workspace.dataset
    if isinstance(dataset.candidates, LandingCandidates):
        files = files_of(workspace.data, dataset.candidates, night)
        if not files:
            return None
        declared = dataset.candidates
        columns = candidate_source_columns(declared)
        signatures = [file.signature for file in files]
        staged = staged_rows(workspace, files, declared, columns, scratch / "candidates_staged")
        parsed = parsed_candidates(staged, dataset, declared, columns)
    else:
        log, tomorrow = dataset.impressions, night + timedelta(days=1)
        files = files_of(workspace.data, log, tomorrow)
        if not files:
            return None
        columns = impression_source_columns(dataset)
        staged, signatures, _ = _staged(workspace, "candidates", log, files, columns, tomorrow, scratch)
        parsed = of_next_day(parsed_impressions(staged, dataset, columns), night)
    paired = parsed.withColumn("pair_id", pair_id(dataset))
    return kept(workspace, "candidates", signatures, with_duplicate_flag(paired, ["pair_id"]), scratch / "candidates")
