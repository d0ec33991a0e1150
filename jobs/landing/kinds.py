"""A night's landing by kind: impressions, clicks, attributes and candidates, each with what is wrong or repeated."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from conf.errors import NothingLanded
from conf.landing import Attributes, ClickLog, LandingCandidates
from features.arrival import also_known, of_day, of_next_day, with_duplicate_flag, within_reach
from features.context import pair_id
from features.parse import parsed_attributes, parsed_candidates, parsed_clicks, parsed_impressions
from jobs.landing.columns import (
    attribute_source_columns,
    candidate_source_columns,
    click_source_columns,
    impression_source_columns,
)
from jobs.landing.discovery import files_of, require
from jobs.landing.landed import Landed, kept, no_rows, staged_rows
from jobs.landing.night_files import night_files, unchanged
from jobs.landing.whole_logs import whole_logs
from jobs.store.spans import between
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


def _impressions(workspace: Workspace, night: date, scratch: Path) -> Landed:
    dataset, log = workspace.dataset, workspace.dataset.impressions
    files = require(night_files(workspace, log, "impressions", night), workspace.data, log, "impressions", night)
    columns = impression_source_columns(dataset)
    if log.dated:
        staged = staged_rows(workspace, files, log, columns, scratch / "impressions_staged")
        own = within_reach(parsed_impressions(staged, dataset, columns), night, dataset.late_days)
        signatures = [file.signature for file in files]
    else:
        staged, signatures, span = whole_logs(workspace)["impressions"].of_day(files, night)
        own = of_day(parsed_impressions(staged, dataset, columns), night, span)
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
    folder = scratch / "clicks_staged"
    if log.dated or not files:
        staged = staged_rows(workspace, files, log, columns, folder) if files else no_rows(workspace, columns)
        own = within_reach(parsed_clicks(staged, dataset, columns), night, dataset.late_days)
        signatures = [file.signature for file in files]
    else:
        staged, signatures, span = whole_logs(workspace)["clicks"].of_day(files, night)
        own = of_day(parsed_clicks(staged, dataset, columns), night, span)
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
        files = files_of(workspace.data, dataset.impressions, night + timedelta(days=1))
        if not files:
            return None
        columns, signatures = impression_source_columns(dataset), [file.signature for file in files]
        if dataset.impressions.dated:
            staged = staged_rows(workspace, files, dataset.impressions, columns, scratch / "candidates_staged")
        else:
            staged, signatures, _ = whole_logs(workspace)["candidates"].of_day(files, night + timedelta(days=1))
        parsed = of_next_day(parsed_impressions(staged, dataset, columns), night)
    paired = parsed.withColumn("pair_id", pair_id(dataset))
    return kept(workspace, "candidates", signatures, with_duplicate_flag(paired, ["pair_id"]), scratch / "candidates")
