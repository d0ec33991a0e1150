"""The features of a data set, described from its declaration, and measured on the rows that were scored last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from conf.dataset import Dataset
from conf.errors import NotReady
from conf.features import Derived, Recency
from conf.landing import Attributes
from features.histories import ALL
from jobs.feature_list import model_columns
from jobs.landing.landed import ALWAYS
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Subject = Literal["user", "ad", "combination", "context", "attribute", "overall"]
Kind = Literal["categorical", "number", "count", "rate", "mean", "days"]

NOUNS = {"user_id": "the user", "ad_id": "the ad", "hour": "the hour", "weekday": "the weekday"}
RECENCY_TEXTS: dict[Recency, str] = {
    "days_since": "Days since the last impression of {whose}",
    "days_since_click": "Days since the last click of {whose}",
    "active_days": "Number of days with an impression of {whose}",
}


@dataclass(frozen=True)
class Feature:
    """One feature as it is declared. `window_days` and `parents` belong to histories alone."""

    name: str
    description: str
    kind: Kind
    subject: Subject
    keys: tuple[str, ...]
    window_days: int | None = None
    parents: tuple[str, ...] = ()
    history: str = ""
    table: str = ""
    in_model: bool = True


@dataclass(frozen=True)
class Measured:
    """A feature as it was on the rows of one day.

    `coverage` is the share of rows with evidence: for a history an impression of the key in the window, else a value.
    `as_of` is the latest day for which there is one: the morning as of which a history was taken, or a landing.
    """

    feature: Feature
    coverage: float | None
    missing: float | None
    as_of: date | None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        measured = {"coverage": self.coverage, "missing": self.missing}
        return asdict(self.feature) | measured | {"as_of": str(self.as_of) if self.as_of else None}


@dataclass(frozen=True)
class Catalog:
    """Every feature with its figures; `day` and `rows` say what they were measured on, `source` which table."""

    day: date | None
    source: str
    rows: int
    features: tuple[Measured, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for `--json`."""
        day = str(self.day) if self.day else None
        found = [feature.to_dict() for feature in self.features]
        return {"day": day, "source": self.source, "rows": self.rows, "features": found}


def declared(dataset: Dataset) -> list[Feature]:
    """Every feature of a data set, in the order of the tables' columns."""
    learned = set(model_columns(dataset).all)
    found = [*_ids(dataset), *_context(dataset), *_attributes(dataset), *_derived(dataset), *_calendar(dataset)]
    found += [*_overall(dataset), *_histories(dataset)]
    return [Feature(**{**vars(feature), "in_model": feature.name in learned}) for feature in found]


def _ids(dataset: Dataset) -> Iterator[Feature]:
    for name in dataset.user_and_ad:
        subject = _subject((name,))
        yield Feature(name, f"Which {subject} it is", "categorical", subject, (name,), table="candidates")


def _context(dataset: Dataset) -> Iterator[Feature]:
    columns = dataset.pair_columns
    for name in columns.all:
        kind: Kind = "categorical" if name in columns.categorical else "number"
        text = f"`{name}` of the impression, known when it is scored"
        yield Feature(name, text, kind, "context", (), table="candidates")


def _attributes(dataset: Dataset) -> Iterator[Feature]:
    for table_name, table in dataset.attributes.items():
        known = f"from `{table_name}` as it landed before the day"
        for name in table.columns.all:
            kind: Kind = "categorical" if name in table.columns.categorical else "number"
            yield _attribute(name, f"`{name}` of {_noun(table.key)}, {known}", kind, table_name, table)
        for name in table.dates:
            text = f"Days from `{name}` of {_noun(table.key)}, {known}"
            yield _attribute(f"{name}_age_days", text, "days", table_name, table)


def _attribute(name: str, text: str, kind: Kind, table_name: str, table: Attributes) -> Feature:
    return Feature(name, text, kind, "attribute", (table.key,), table=f"attributes_{table_name}")


def _derived(dataset: Dataset) -> Iterator[Feature]:
    for name, rule in dataset.derived.items():
        yield Feature(name, _derived_text(rule), "categorical", "context", (rule.column,), table="candidates")


def _derived_text(rule: Derived) -> str:
    if rule.edges:
        return f"Which of {len(rule.edges) + 1} bands `{rule.column}` lies in"
    return f"What stands before the first `{rule.first_of}` in `{rule.column}`"


def _calendar(dataset: Dataset) -> Iterator[Feature]:
    yield Feature("weekday", "Weekday of the day served", "categorical", "context", (), table="candidates")
    if dataset.replayed:
        text = f"Hour of the impression, local in {dataset.time_zone}"
        yield Feature("hour", text, "categorical", "context", (), table="candidates")


def _overall(dataset: Dataset) -> Iterator[Feature]:
    days = max(dataset.windows_days)
    text = f"Click rate of all impressions of the {_days(days)} before"
    yield Feature(f"{ALL}__ctr_{days}d", text, "rate", "overall", (), days, (), ALL, f"features_{ALL}")


def _histories(dataset: Dataset) -> Iterator[Feature]:
    for name in dataset.histories:
        for days in dataset.windows_days:
            yield from _windowed(dataset, name, days)
        for what in dataset.histories[name].recency:
            text = RECENCY_TEXTS[what].format(whose=whose(dataset, name))
            kind: Kind = "count" if what == "active_days" else "days"
            yield _history(dataset, name, f"{name}__{what}", text, kind, max(dataset.windows_days))
        yield from _means(dataset, name)


def _means(dataset: Dataset, name: str) -> Iterator[Feature]:
    days = max(dataset.windows_days)
    for measure in dataset.histories[name].measures:
        text = f"Mean `{measure}` of {whose(dataset, name)} in the {_days(days)} before, leaning on the mean of all"
        yield _history(dataset, name, f"{name}__mean_{measure}", text, "mean", days)


def _windowed(dataset: Dataset, name: str, days: int) -> Iterator[Feature]:
    before = f"of {whose(dataset, name)} in the {_days(days)} before"
    yield _history(dataset, name, f"{name}__impressions_{days}d", f"Impressions {before}", "count", days)
    yield _history(dataset, name, f"{name}__clicks_{days}d", f"Clicks {before}", "count", days)
    longest, trust = max(dataset.windows_days), f"{dataset.smoothing_of(name):g} impressions' worth"
    above = f"its own of {_days(longest)}"
    if days == longest:
        above = "that of " + (" and ".join(f"`{one}`" for one in dataset.histories[name].above) or "all impressions")
    text = f"Click rate {before}, leaning on {above} by {trust}"
    yield _history(dataset, name, f"{name}__ctr_{days}d", text, "rate", days)


def _history(dataset: Dataset, history: str, name: str, text: str, kind: Kind, days: int) -> Feature:
    declaration = dataset.histories[history]
    above = declaration.above or (ALL,)
    subject = _subject(declaration.keys)
    return Feature(name, text, kind, subject, declaration.keys, days, above, history, f"features_{history}")


def whose(dataset: Dataset, history: str) -> str:
    """Whose history it is: in the declaration's words, or from its keys."""
    declaration = dataset.histories[history]
    return declaration.description or " with ".join(_noun(key) for key in declaration.keys)


def _days(count: int) -> str:
    return "day" if count == 1 else f"{count} days"


def _noun(key: str) -> str:
    return NOUNS.get(key, f"the `{key}`")


def _subject(keys: tuple[str, ...]) -> Subject:
    if len(keys) > 1:
        return "combination"
    singles: Mapping[str, Subject] = {"user_id": "user", "ad_id": "ad"}
    return singles.get(keys[0], "context")


def measured(workspace: Workspace, day: date | None = None) -> Catalog:
    """Every feature, measured on the pairs scored for a day, or else on the day's training examples.

    Without a day: the last one that was scored. Before anything was scored, features come without figures.

    Raises:
        NotReady: nothing was scored or trained for the day asked for.
    """
    features = declared(workspace.dataset)
    found = _rows_of(workspace, day)
    if found is None:
        return Catalog(None, "", 0, tuple(Measured(feature, None, None, None) for feature in features))
    measured_on, source, rows = found
    count, shares = _shares(rows, features, max(workspace.dataset.windows_days))
    fresh = _freshness(workspace)
    figures = tuple(Measured(one, *shares[one.name], fresh(one.table)) for one in features)
    return Catalog(measured_on, source, count, figures)


def _rows_of(workspace: Workspace, day: date | None) -> tuple[date, str, DataFrame] | None:
    """The day measured, the table its rows are of, and the rows with every feature."""
    from jobs.feature_tables import examples_with_features
    from jobs.score import candidates_with_features

    readers: dict[str, Callable[[Workspace, date], DataFrame]] = {
        "candidates": candidates_with_features,
        "examples": examples_with_features,
    }
    for source, asked in (("candidates", "predictions"), ("examples", "training_examples")):
        days = [one for one in workspace.store.days(asked) if day in (None, one)]
        if days and days[-1] in workspace.store.days(source):
            return days[-1], source, readers[source](workspace, days[-1])
    if day is not None:
        raise NotReady(f"Nothing was scored or trained for {day}, so no features can be measured on it.")
    return None


def _shares(
    rows: DataFrame, features: list[Feature], longest: int
) -> tuple[int, dict[str, tuple[float | None, float | None]]]:
    """Number of rows, and by feature the shares of rows with evidence and of rows without a value."""
    from pyspark.sql import functions as F

    def share(condition: Column, name: str) -> Column:
        return F.avg(condition.cast("double")).alias(name)

    measures = [F.count(F.lit(1)).alias("rows")]
    for place, feature in enumerate(features):
        value = F.col(feature.name)
        evidence = value.isNotNull()
        if feature.history:
            evidence = F.col(f"{feature.history}__impressions_{feature.window_days or longest}d") > 0
        measures += [share(evidence, f"c{place}"), share(value.isNull(), f"m{place}")]
    found = rows.agg(*measures).first()
    assert found is not None
    shares = {feature.name: (found[f"c{place}"], found[f"m{place}"]) for place, feature in enumerate(features)}
    return int(found["rows"]), shares


def _freshness(workspace: Workspace) -> Callable[[str], date | None]:
    """Yields the latest day of a table; None where what it holds has no day."""
    latest: dict[str, date | None] = {}

    def of(table: str) -> date | None:
        if table not in latest:
            days = [day for day in workspace.store.days(table) if day != ALWAYS]
            latest[table] = days[-1] if days else None
        return latest[table]

    return of
