"""Data set descriptions: one YAML file says all the pipeline knows about a log. No code is written for a new one."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from conf.errors import SettingsError
from conf.settings import CONF_FOLDER, Frozen, explained, read_yaml

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
RESERVED = frozenset(
    {"dt", "arrived", "impression_id", "pair_id", "event_time", "user_id", "ad_id", "p_click", "hour", "weekday"}
    | {"clicked", "clicked_provisional", "click_arrived", "final", "known_on"}
)


def _identifier(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(f"`{value}` must be lower-case letters, digits and `_`, starting with a letter, at most 40")
    return value


def _inside_the_data_folder(value: str) -> str:
    if value.startswith(("/", "~")) or ".." in Path(value).parts:
        raise ValueError(f"`{value}` must be a path inside the data folder, without `..`")
    return value


def _duration(value: str) -> str:
    parse_duration(value)
    return value


def _moment(value: object) -> str:
    """An ISO day or time as text; YAML hands an unquoted one over as a date."""
    text = str(value).strip()
    try:
        datetime.fromisoformat(text or "1970-01-01")
    except ValueError as error:
        raise ValueError(f"`{text}` is no day or time; write for example `2017-01-01` or `2017-01-01 06:00`") from error
    return text


def parse_duration(text: str) -> timedelta:
    """`30m`, `24h` or `7d` as a time span."""
    match = re.fullmatch(r"(\d+)\s*([mhd])", text.strip())
    if not match or int(match[1]) == 0:
        raise ValueError(f"`{text}` is no duration; write for example `30m`, `24h` or `7d`")
    amount = int(match[1])
    return {"m": timedelta(minutes=amount), "h": timedelta(hours=amount), "d": timedelta(days=amount)}[match[2]]


Identifier = Annotated[str, AfterValidator(_identifier)]
FilePattern = Annotated[str, AfterValidator(_inside_the_data_folder)]
Duration = Annotated[str, AfterValidator(_duration)]
Moment = Annotated[str, BeforeValidator(_moment)]


class TimeColumn(Frozen):
    """Where the time stands and how it is written."""

    column: str
    unit: Literal["s", "ms", "us", "ns", "text"] = Field("text", description="Epoch unit, or text")
    pattern: str = Field("", description="Of text times, in Spark's letters (yyyy-MM-dd HH:mm:ss); empty: ISO 8601")
    zone: str = Field("", description="Zone of text times without an offset; empty: the data set's")
    origin: Moment = Field("", description="Of numbers that do not count from 1970: the moment that they count from")

    @model_validator(mode="after")
    def _origin_of_a_number(self) -> TimeColumn:
        if self.origin and self.unit == "text":
            raise ValueError("`origin` belongs to numbers: give `unit: s`, `ms`, `us` or `ns` too")
        return self

    def origin_micros(self, zone: str) -> int:
        """The origin in microseconds since 1970; a time without an offset is local in the column's zone or `zone`."""
        if not self.origin:
            return 0
        moment = datetime.fromisoformat(self.origin)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(self.zone or zone))
        return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class Files(Frozen):
    """Landing files of one kind, as a pattern below the data folder.

    `{date}` stands for the day the file arrived (`{date:%Y%m%d}` for another spelling); `*` matches within a name.
    A pattern without `{date}` names files that hold all days: a row then counts as arrived on its own day.
    """

    files: FilePattern
    format: Literal["csv", "tsv", "jsonl", "parquet"]
    header: tuple[str, ...] = Field((), description="Names of the columns, for CSV and TSV files without a first line")
    delimiter: str = Field("", max_length=1, description="Of CSV files; empty: comma for csv, tab for tsv")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers written as text")
    rename: dict[str, str] = Field(
        default_factory=dict, description="New name: name in the file; for names that are no identifiers or taken"
    )

    @model_validator(mode="after")
    def _layout_fits_format(self) -> Files:
        if self.format not in ("csv", "tsv") and (self.header or self.delimiter):
            raise ValueError(f"`header` and `delimiter` belong to csv and tsv files, not to {self.format}")
        doubled = sorted({name for name in self.header if self.header.count(name) > 1})
        if doubled:
            raise ValueError(f"`header` names `{doubled[0]}` twice")
        return self

    @property
    def dated(self) -> bool:
        """Whether the path tells the day of arrival."""
        return "{date" in self.files


class Columns(Frozen):
    """Columns to keep, by how they may be used. Other columns of the files are not read."""

    categorical: tuple[Identifier, ...] = ()
    numeric: tuple[Identifier, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every named column, categorical first."""
        return self.categorical + self.numeric


class Measure(Frozen):
    """A number made of outcomes: their sum, divided, capped, and on a log scale, in this order; below 0 counts as 0.

    What an impression led to is no feature of that impression. The means of earlier days are features of the histories
    that name the measure.
    """

    columns: tuple[str, ...] = Field(min_length=1, description="Outcomes; their sum is measured")
    over: str | PositiveFloat = Field(1.0, description="Outcome, numeric context column or number that divides the sum")
    cap: PositiveFloat | None = None
    log: bool = Field(False, description="Whether the value is log(1 + value)")

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns of the impression log that it is made of."""
        return (*self.columns, self.over) if isinstance(self.over, str) else self.columns


class Impressions(Files):
    """The impression log. `id` is what makes an impression one; several columns make a compound key."""

    id: tuple[str, ...] = Field(min_length=1)
    user: str | None = None
    ad: str | None = None
    time: TimeColumn
    context: Columns = Columns()
    outcomes: tuple[str, ...] = Field((), description="Known only after the impression: never features")
    measures: dict[Identifier, Measure] = Field(default_factory=dict, description="What histories keep of the outcomes")

    @model_validator(mode="after")
    def _measures_are_made_of_outcomes(self) -> Impressions:
        for name, measure in self.measures.items():
            divisors = {*self.outcomes, *self.context.numeric}
            unknown = [column for column in measure.columns if column not in self.outcomes]
            unknown += [measure.over] if isinstance(measure.over, str) and measure.over not in divisors else []
            if unknown:
                raise ValueError(f"measures.{name}: `{unknown[0]}` must be named in `outcomes`")
            if name in {*self.context.all, *RESERVED}:
                raise ValueError(f"measures.{name}: the name is taken; choose another")
        return self


class InlineLabel(Frozen):
    """The click is a column of the impression log: labels are final as soon as the impression has landed."""

    kind: Literal["inline"]
    column: str
    clicked: str = Field("1", description="The value that means a click")


class ClickLog(Files):
    """Clicks land in files of their own and count within a window after their impression."""

    kind: Literal["click_log"]
    id: tuple[str, ...] = Field(min_length=1, description="Columns that name the impression, as in impressions.id")
    time: TimeColumn
    window: Duration = "24h"


class Attributes(Files):
    """A table of attributes of users, ads or anything else that has a key."""

    key: Identifier = Field(description="`user_id`, `ad_id`, or a context or attribute column that names its rows")
    key_column: str = Field("", description="The key's name in the file, where it differs")
    columns: Columns = Columns()
    dates: tuple[Identifier, ...] = Field((), description="Date columns; features get the age in days")


Recency = Literal["days_since", "days_since_click", "active_days"]


class History(Frozen):
    """Click histories of one key, or of a combination of keys."""

    description: str = Field("", description="Whose history it is, in words: `the user in this tab`")
    keys: tuple[Identifier, ...] = Field(min_length=1)
    parent: Identifier | None = Field(None, description="The history whose rate stands in where evidence is thin")
    parents: tuple[Identifier, ...] = Field(
        (), description="In place of one parent, several whose effects on the log odds add up: for combined keys"
    )
    smoothing: float | None = Field(None, gt=0, description="Trust in the rate above; default: the data set's")
    recency: tuple[Recency, ...] = Field(
        ("days_since",), description="Days since last shown, days since last clicked, number of days on which shown"
    )

    measures: tuple[Identifier, ...] = Field((), description="Measures of earlier days' outcomes whose means it keeps")

    @model_validator(mode="after")
    def _one_kind_of_parent(self) -> History:
        if self.parent is not None and self.parents:
            raise ValueError("give `parent` or `parents`, not both")
        return self

    @property
    def above(self) -> tuple[str, ...]:
        """The histories that this one falls back on; none means the overall rate."""
        return self.parents or ((self.parent,) if self.parent is not None else ())


class Derived(Frozen):
    """A categorical feature made from one column that is known at scoring: the band of a number, or the first part."""

    column: Identifier
    edges: tuple[float, ...] = Field((), description="Of a number: where one band ends and the next begins")
    first_of: str = Field("", description="Of a text: what separates its parts; the first part is the value")

    @model_validator(mode="after")
    def _one_rule(self) -> Derived:
        if bool(self.edges) == bool(self.first_of):
            raise ValueError("give either `edges` or `first_of`")
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("`edges` must rise")
        return self


class LandingCandidates(Files):
    """Pairs to be scored land in files of their own, on the evening before."""

    kind: Literal["landing"]
    user: str | None = None
    ad: str | None = None
    context: Columns = Columns()


class ReplayCandidates(Frozen):
    """The next day's impressions with the labels taken away, for logs that are replayed."""

    kind: Literal["replay"]


class Dataset(Frozen):
    """One log, described."""

    name: Identifier
    description: str = ""
    data: str = Field("", description="Folder of the landing files; empty: `landing` in the home, or --data")
    time_zone: str = "UTC"
    impressions: Impressions
    label: InlineLabel | ClickLog = Field(discriminator="kind")
    attributes: dict[Identifier, Attributes] = Field(default_factory=dict)
    derived: dict[Identifier, Derived] = Field(default_factory=dict)
    histories: dict[Identifier, History] = Field(min_length=1)
    windows_days: tuple[PositiveInt, ...] = (1, 7, 28)
    smoothing: float = Field(20.0, gt=0, description="Impressions' worth of trust in the parent's rate")
    slices: tuple[Identifier, ...] = ()
    crosses: tuple[tuple[Identifier, ...], ...] = Field((), description="Combinations for the linear model")
    history_only: tuple[Identifier, ...] = Field(
        (), description="Ids with too few rows a value to be learned one by one: models see their histories alone"
    )
    candidates: LandingCandidates | ReplayCandidates = Field(discriminator="kind")
    late_days: int = Field(2, ge=0, description="Days after its own that a row or file may still arrive and count")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), n=1)
            raise ValueError(f"`{value}` is no known time zone" + (f"; did you mean `{near[0]}`?" if near else ""))
        return value

    @model_validator(mode="after")
    def _names_fit_together(self) -> Dataset:
        known = {*self.feature_categorical, *self.user_and_ad}
        for name, history in self.histories.items():
            for key in history.keys:
                if key not in known:
                    raise ValueError(
                        f"histories.{name}: no categorical column `{key}`; known: {', '.join(sorted(known))}"
                    )
            for measure in history.measures:
                if measure not in self.impressions.measures:
                    raise ValueError(f"histories.{name}: `{measure}` is not among impressions.measures")
            for parent in history.above:
                if parent not in self.histories:
                    raise ValueError(f"histories.{name}: parent `{parent}` is no history")
        for name in self.histories:
            self.ancestors(name)
        leaks = set(self.impressions.outcomes) & (set(self.impressions.context.all) | {self.inline_label_column})
        if leaks:
            raise ValueError(f"impressions: {', '.join(sorted(leaks))} is both an outcome and a feature")
        names = [*self.impressions.context.all, *self.derived]
        for table in self.attributes.values():
            names += [*table.columns.all, *table.dates]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"column `{doubled[0]}` is declared twice; rename it in one of the files' descriptions")
        taken = sorted(RESERVED & set(names))
        if taken:
            raise ValueError(f"column name `{taken[0]}` is the pipeline's own; describe it as user, ad, id or time")
        for cross in self.crosses:
            for column in cross:
                if column not in known:
                    raise ValueError(f"crosses: no categorical column `{column}`; known: {', '.join(sorted(known))}")
        kept = known | set(self.impressions.context.categorical)
        for column in self.slices:
            if column not in kept:
                raise ValueError(f"slices: no categorical column `{column}`; known: {', '.join(sorted(kept))}")
        for name, table in self.attributes.items():
            if table.key not in known:
                raise ValueError(f"attributes.{name}: no key `{table.key}`; known: {', '.join(sorted(known))}")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days are the data set's days."""
        return ZoneInfo(self.time_zone)

    @property
    def inline_label_column(self) -> str:
        """The label's column in the impression log, empty where clicks have a log of their own."""
        return self.label.column if isinstance(self.label, InlineLabel) else ""

    @property
    def window(self) -> timedelta:
        """The attribution window; zero for inline labels."""
        return parse_duration(self.label.window) if isinstance(self.label, ClickLog) else timedelta(0)

    @property
    def maturity_days(self) -> int:
        """Nights after a day's own until its labels are final: the attribution window in whole days, rounded up."""
        return -(-self.window // timedelta(days=1))

    @property
    def replayed(self) -> bool:
        """Whether candidates are the next day's impressions."""
        return isinstance(self.candidates, ReplayCandidates)

    @property
    def pair_columns(self) -> Columns:
        """Context that is known when a pair is scored. What only the impression knows cannot be a feature."""
        return self.impressions.context if isinstance(self.candidates, ReplayCandidates) else self.candidates.context

    @property
    def user_and_ad(self) -> tuple[str, ...]:
        """The canonical id columns that this log has."""
        ids = (("user_id", self.impressions.user), ("ad_id", self.impressions.ad))
        return tuple(name for name, column in ids if column)

    @property
    def _given_categorical(self) -> tuple[str, ...]:
        attributes = tuple(name for table in self.attributes.values() for name in table.columns.categorical)
        return self.pair_columns.categorical + attributes

    @property
    def feature_categorical(self) -> tuple[str, ...]:
        """Categorical feature columns: context known at scoring, then attributes, derived columns, calendar."""
        calendar = ("hour", "weekday") if self.replayed else ("weekday",)
        return self._given_categorical + tuple(self.derived) + calendar

    @property
    def feature_numeric(self) -> tuple[str, ...]:
        """Numeric feature columns: context, attributes, and the ages of attribute dates."""
        numeric = tuple(name for table in self.attributes.values() for name in table.columns.numeric)
        ages = tuple(f"{name}_age_days" for table in self.attributes.values() for name in table.dates)
        return self.pair_columns.numeric + numeric + ages

    def smoothing_of(self, history: str) -> float:
        """Impressions' worth of trust that a history puts in the rate above it."""
        own = self.histories[history].smoothing
        return self.smoothing if own is None else own

    def ancestors(self, history: str) -> tuple[str, ...]:
        """Every history above this one, those further up first. A circle is an error."""
        found: dict[str, None] = {}

        def climb(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise ValueError(f"histories.{history}: its parents form a circle")
            for parent in self.histories[name].above:
                climb(parent, (*path, name))
                found.setdefault(parent)

        climb(history, ())
        return tuple(found)


def known_datasets() -> list[str]:
    """Names of the descriptions that come with the project."""
    return sorted(path.stem for path in (CONF_FOLDER / "datasets").glob("*.yaml"))


def load_dataset(name: str) -> Dataset:
    """The description of a data set: a name under conf/datasets/, or the path of a YAML file of your own.

    Raises:
        SettingsError: no such description, or something in it is wrong; the message names file and setting.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else CONF_FOLDER / "datasets" / f"{name}.yaml"
    if not path.is_file():
        near = difflib.get_close_matches(name, known_datasets(), n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise SettingsError(
            f"Unknown data set `{name}`.{hint} Known: {', '.join(known_datasets())}; or give the path of a YAML file."
        )
    try:
        return Dataset.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SettingsError(explained(error, Dataset, str(path))) from error
