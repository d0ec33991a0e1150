"""Which columns are read from each kind of landing file, under the names of the description."""

from __future__ import annotations

from collections.abc import Iterable

from conf.dataset import Dataset
from conf.landing import Attributes, ClickLog, InlineLabel, LandingCandidates


def impression_source_columns(dataset: Dataset) -> list[str]:
    """Columns that are read from the impression files."""
    log = dataset.impressions
    label = [dataset.label.column] if isinstance(dataset.label, InlineLabel) else []
    measured = [column for measure in log.measures.values() for column in measure.source_columns]
    return _each_once([*log.id, log.user, log.ad, log.time.column, *log.context.all, *measured, *label])


def click_source_columns(log: ClickLog) -> list[str]:
    """Columns that are read from the click files."""
    return _each_once([*log.id, log.time.column])


def attribute_source_columns(table: Attributes) -> list[str]:
    """Columns that are read from the files of an attribute table."""
    return _each_once([table.key_column or table.key, *table.columns.all, *table.dates])


def candidate_source_columns(candidates: LandingCandidates) -> list[str]:
    """Columns that are read from the candidate files."""
    return _each_once([candidates.user, candidates.ad, *candidates.context.all])


def _each_once(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
