"""What lands: files of each kind, how they are laid out, and what their columns mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, PositiveFloat, model_validator

from conf.notation import (
    DATE_FIELD,
    RESERVED,
    Column,
    Delimiter,
    Duration,
    EachOnce,
    Encoding,
    FilePattern,
    Identifier,
    Moment,
    TimePattern,
    Words,
    ZoneIfAny,
)
from conf.settings import Frozen


class TimeColumn(Frozen):
    """Where the time stands and how it is written."""

    column: Column
    unit: Literal["s", "ms", "us", "ns", "text"] = Field("text", description="Epoch unit, or text")
    pattern: TimePattern = Field(
        "", description="Of text times, in Spark's letters (yyyy-MM-dd HH:mm:ss); empty: ISO 8601"
    )
    zone: ZoneIfAny = Field("", description="Zone of text times without an offset; empty: the data set's")
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
    delimiter: Delimiter = Field("", description="Of CSV files; empty: comma for csv, tab for tsv")
    encoding: Encoding = Field("utf-8", description="Of text files, as Python names it: `latin-1`, `cp1252`, `utf-16`")
    missing: EachOnce[str] = Field((), description="Words that stand for no value, in every column: NULL, unknown")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers written as text")
    where: dict[Column, Words] = Field(
        default_factory=dict, description="Column: the values whose rows are of this kind, where files hold several"
    )
    rename: dict[str, str] = Field(
        default_factory=dict, description="New name: name in the file; for names that are no identifiers or taken"
    )

    @model_validator(mode="after")
    def _layout_fits_format(self) -> Files:
        if self.format not in ("csv", "tsv") and (self.header or self.delimiter):
            raise ValueError(f"`header` and `delimiter` belong to csv and tsv files, not to {self.format}")
        if self.format == "parquet" and self.encoding != "utf-8":
            raise ValueError("`encoding` belongs to text files; Parquet files say it themselves")
        doubled = sorted({name for name in self.header if self.header.count(name) > 1})
        if doubled:
            raise ValueError(f"`header` names `{doubled[0]}` twice")
        return self

    @property
    def dated(self) -> bool:
        """Whether the path tells the day of arrival."""
        return bool(DATE_FIELD.search(self.files))


class Columns(Frozen):
    """Columns to keep, by how they may be used. Other columns of the files are not read."""

    categorical: EachOnce[Identifier] = ()
    numeric: EachOnce[Identifier] = ()

    @model_validator(mode="after")
    def _one_use_each(self) -> Columns:
        both = sorted({*self.categorical} & {*self.numeric})
        if both:
            raise ValueError(f"`{both[0]}` is both categorical and numeric; keep one of them")
        return self

    @property
    def all(self) -> tuple[str, ...]:
        """Every named column, categorical first."""
        return self.categorical + self.numeric


class Measure(Frozen):
    """A number made of outcomes: their sum, divided, capped, and on a log scale, in this order; below 0 counts as 0.

    What an impression led to is no feature of that impression. The means of earlier days are features of the histories
    that name the measure.
    """

    columns: tuple[Column, ...] = Field(min_length=1, description="Outcomes; their sum is measured")
    over: Column | PositiveFloat = Field(
        1.0, description="Outcome, numeric context column or number that divides the sum"
    )
    cap: PositiveFloat | None = None
    log: bool = Field(False, description="Whether the value is log(1 + value)")

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The columns of the impression log that it is made of."""
        return (*self.columns, self.over) if isinstance(self.over, str) else self.columns


class Impressions(Files):
    """The impression log. `id` is what makes an impression one; several columns make a compound key."""

    id: EachOnce[Column] = Field(min_length=1)
    user: Column | None = None
    anonymous: str = Field("", description="Stands for the user in rows that name none; empty: such rows are rejected")
    ad: Column | None = None
    time: TimeColumn
    context: Columns = Columns()
    outcomes: tuple[Column, ...] = Field((), description="Known only after the impression: never features")
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
    column: Column
    clicked: str = Field("1", description="The value that means a click")
    clicked_if: Literal["value", "present", "above_zero"] = Field(
        "value", description="`present`: any value is a click, such as its time; `above_zero`: a count of clicks"
    )

    @model_validator(mode="after")
    def _one_meaning_of_a_click(self) -> InlineLabel:
        if self.clicked_if != "value" and "clicked" in self.model_fields_set:
            raise ValueError(
                f"`clicked` names a value, and `clicked_if: {self.clicked_if}` needs none; keep one of them"
            )
        return self


class ClickLog(Files):
    """Clicks land in files of their own and count within a window after their impression."""

    kind: Literal["click_log"]
    id: EachOnce[Column] = Field(min_length=1, description="Columns that name the impression, as in impressions.id")
    time: TimeColumn
    window: Duration = "24h"


class Attributes(Files):
    """A table of attributes of users, ads or anything else that has a key."""

    key: Identifier = Field(description="`user_id`, `ad_id`, or a context or attribute column that names its rows")
    key_column: Column | Literal[""] = Field("", description="The key's name in the file, where it differs")
    columns: Columns = Columns()
    dates: tuple[Identifier, ...] = Field((), description="Date columns; features get the age in days")


class LandingCandidates(Files):
    """Pairs to be scored land in files of their own, on the evening before."""

    kind: Literal["landing"]
    user: Column | None = None
    ad: Column | None = None
    context: Columns = Columns()


class ReplayCandidates(Frozen):
    """The next day's impressions with the labels taken away, for logs that are replayed."""

    kind: Literal["replay"]
