"""What each step of a night reads, as digests: the record of a step keeps them, and tells later whether it is stale.

A step's inputs are named by the night that wrote them, and only nights up to the step's own count. So what arrives
later, and is meant to be taken in by later nights, never makes an earlier night stale; an earlier night that ran again
with other content does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from conf.dataset import Dataset
from conf.landing import ClickLog
from jobs.champion import champion_as_of
from jobs.evaluate import FINAL, OVERALL, PROVISIONAL
from jobs.label import snapshot_before
from jobs.label_days import horizon_days
from jobs.landing.landed import ALWAYS
from jobs.night_facts import NEW_ADS, first_looked_at
from jobs.store.contents import EMPTY
from jobs.store.spans import between
from jobs.training_data import days_that_matured, mature_days, training_reach
from jobs.trainings import trainings
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression

DEFINITION = "definition"
"""Name of the input that is the data set's description."""

DIGITS = 6
"""Significant digits of a metric that count: sums of floats depend on the order of rows in the digits after those."""

Digests = dict[str, str]


@dataclass(frozen=True)
class Source:
    """What nights from `first` to `last`, both included, wrote to a table. `name` is what a person calls it."""

    table: str
    first: date
    last: date

    def holds(self, table: str, day: date) -> bool:
        """Whether something that was written for a day belongs to this source."""
        return table == self.table and self.first <= day <= self.last


def sources(workspace: Workspace, step: str, night: date) -> list[Source]:
    """Everything that a step reads of the tables."""
    return _SOURCES[step](workspace, night)


def inputs(workspace: Workspace, step: str, night: date) -> Digests:
    """Digests of everything that a step reads, by name. Call it before the step runs."""
    found = {DEFINITION: definition(workspace.dataset)}
    for source in sources(workspace, step, night):
        read = _READERS.get(source.table, _partitions)
        found |= read(workspace, source, night)
    return found


def changes(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of the inputs that are other than they were, sorted."""
    return sorted(name for name in {*then, *now} if then.get(name) != now.get(name))


def definition(dataset: Dataset) -> str:
    """A digest of all that a data set's description says about the tables' content."""
    said = dataset.model_dump(mode="json", exclude_defaults=True, exclude={"name", "description", "data"})
    for history in said["histories"].values():
        history.pop("description", None)
    return digest_of(said)


def digest_of(value: Any) -> str:
    """A digest of plain values, with floats to a few digits."""
    return hashlib.sha256(json.dumps(_rounded(value), sort_keys=True, default=str).encode()).hexdigest()[:16]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}"
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value


def _ingest(workspace: Workspace, night: date) -> list[Source]:
    """The nights before, whose rows are no longer taken in when they land once more."""
    since = night - timedelta(days=workspace.dataset.late_days)
    return _log(workspace.dataset, since, night - timedelta(days=1))


def _log(dataset: Dataset, first: date, last: date) -> list[Source]:
    tables = ("impressions", "clicks") if isinstance(dataset.label, ClickLog) else ("impressions",)
    return [Source(table, first, last) for table in tables]


def _label(workspace: Workspace, night: date) -> list[Source]:
    first = night - timedelta(days=horizon_days(workspace.dataset))
    return _examples(workspace, first, night)


def _examples(workspace: Workspace, first: date, night: date) -> list[Source]:
    """What the examples of days from `first` to `night` are made of, as far as it was known when `night` ended."""
    log = _log(workspace.dataset, first, night)
    return [*log, Source("landings", first, night), *_attributes(workspace, first, night)]


def _attributes(workspace: Workspace, first: date, last: date) -> list[Source]:
    """The attribute snapshots that held when one of the days from `first` to `last` began."""
    return [
        Source(f"attributes_{name}", snapshot_before(workspace, name, first), last - timedelta(days=1))
        for name in workspace.dataset.attributes
    ]


def _counts(workspace: Workspace, first: date, last: date) -> Source:
    """The daily counts behind the histories as of the days from `first` to `last`."""
    longest = timedelta(days=max(workspace.dataset.windows_days))
    return Source("daily_counts", first - longest, last - timedelta(days=1))


def _features(workspace: Workspace, night: date) -> list[Source]:
    first = night - timedelta(days=horizon_days(workspace.dataset))
    return [*_label(workspace, night), _counts(workspace, first, night)]


def _score(workspace: Workspace, night: date) -> list[Source]:
    served = night + timedelta(days=1)
    return [
        Source("candidates", served, served),
        *_attributes(workspace, served, served),
        _counts(workspace, served, served),
        Source("promotions", ALWAYS, night),
    ]


def _evaluate(workspace: Workspace, night: date) -> list[Source]:
    first = night - timedelta(days=workspace.dataset.maturity_days)
    return [*_examples(workspace, first, night), _counts(workspace, first, night), Source("predictions", first, night)]


def _monitor(workspace: Workspace, night: date) -> list[Source]:
    first, yesterday = first_looked_at(workspace, night), night - timedelta(days=1)
    return [
        *_label(workspace, night),
        Source("predictions", night, night),
        Source("quality", first, night),
        Source("decisions", first, yesterday),
        Source("promotions", ALWAYS, yesterday),
        Source("trainings", ALWAYS, yesterday),
        Source("training_examples", ALWAYS, night),
    ]


def _train(workspace: Workspace, night: date) -> list[Source]:
    first = min(mature_days(workspace, night)[-training_reach(workspace) :], default=night)
    examples = [*_examples(workspace, first, night), _counts(workspace, first, night)]
    # Its own promotion, if it came to one, is not what the training was judged against.
    yesterday = night - timedelta(days=1)
    return [*examples, Source("training_examples", first, night), Source("promotions", ALWAYS, yesterday)]


_SOURCES: dict[str, Callable[[Workspace, date], list[Source]]] = {
    "ingest": _ingest,
    "label": _label,
    "features": _features,
    "score": _score,
    "evaluate": _evaluate,
    "monitor": _monitor,
    "train": _train,
}


def _partitions(workspace: Workspace, source: Source, night: date) -> Digests:
    """One digest for each night or day that wrote to the source."""
    inside = workspace.contents.partitions(source.table, (source.first, source.last))
    measured = workspace.contents.of(source.table, inside)
    by_day = dict.fromkeys((part.values[-1] for part in inside), EMPTY)
    for part, content in measured.items():
        by_day[part.values[-1]] += content
    return {named(source.table, day): str(content) for day, content in by_day.items()}


def named(table: str, day: date) -> str:
    """What a person calls a day of a table."""
    return f"{table} {day}" if day != ALWAYS else table


def _nights(workspace: Workspace, source: Source, night: date) -> Digests:
    """Which nights had landed: whether labels are final depends on that."""
    return {named("night", day): "landed" for day in workspace.store.days("landings", _between(source))}


def _champion(workspace: Workspace, source: Source, night: date) -> Digests:
    champion = champion_as_of(workspace, source.last)
    return {"champion": champion.label if champion else "none"}


def _mature_days(workspace: Workspace, source: Source, night: date) -> Digests:
    days = [day for day in days_that_matured(workspace, source.last) if day >= source.first]
    return {"mature days": digest_of([str(day) for day in days])}


def _between(source: Source) -> BooleanExpression:
    return between(source.first, source.last)


def _rows(workspace: Workspace, source: Source) -> Iterable[dict[str, Any]]:
    return workspace.store.rows(source.table, _between(source))


def _decisions(workspace: Workspace, source: Source, night: date) -> Digests:
    return {
        named("decisions", row["dt"]): digest_of([row["verdict"], row["cause"], json.loads(row["facts"])])
        for row in _rows(workspace, source)
    }


def _trainings(workspace: Workspace, source: Source, night: date) -> Digests:
    found: dict[str, list[Any]] = {}
    for row in trainings(workspace, _between(source)):
        found.setdefault(named("trainings", row["dt"]), []).extend([row["version"], row["ne"]])
    return {name: digest_of(rows) for name, rows in found.items()}


def _quality(workspace: Workspace, source: Source, night: date) -> Digests:
    """What decisions read of each day's quality as known on `night`: provisional until its labels had matured."""
    ripe = night - timedelta(days=workspace.dataset.maturity_days)
    found: dict[str, list[Any]] = {}
    for row in _rows(workspace, source):
        if row["slice"] in (OVERALL, NEW_ADS) and row["state"] == (FINAL if row["dt"] <= ripe else PROVISIONAL):
            figures = [
                row[name] for name in ("slice", "model", "version", "impressions", "ctr", "ne", "calibration_ratio")
            ]
            found.setdefault(named("quality", row["dt"]), []).append(figures)
    return {name: digest_of(sorted(rows, key=str)) for name, rows in found.items()}


_READERS: dict[str, Callable[[Workspace, Source, date], Digests]] = {
    "landings": _nights,
    "promotions": _champion,
    "training_examples": _mature_days,
    "decisions": _decisions,
    "trainings": _trainings,
    "quality": _quality,
}
