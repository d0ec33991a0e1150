"""Landed text to typed rows: times, ids, numbers, labels, and the reason why a row cannot be used.

Input rows come from the landing reader: every wanted column as text, `_file` and `_row` (where the row stood), and
`_reject` with `_text` where the reader itself could not make sense of a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from conf.dataset import Dataset
from conf.landing import Attributes, ClickLog, Columns, Impressions, InlineLabel, LandingCandidates, Measure, TimeColumn
from features.histories import KEY_SEPARATOR

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
LARGEST_MICROS = 250_000_000_000_000_000
"""About the year 9900: larger epoch values are garbage, and would overflow."""
NUMBER = r"^[ \t\r\n]*[-+.eE0-9]+[ \t\r\n]*$"
"""What the engines read alike: `1d` and `0x1p3` are numbers to one of them alone. They differ on `\\d` as well."""
ISO_DAY = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
CLOCK = r"[T ][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]+)?)?"
OFFSET = r" ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)"
NO_VALUE = r"(?i)^(null|none|nil|nan|n/?a|\\n|-|\?)\z"
"""What stands for a missing number in text files."""
WHOLE = r"^[-+]?[0-9]+\.0+\z"
ROUNDED = r"^[-+]?([0-9](\.[0-9]+[eE]\+?|[eE]\+)[0-9]+|[iI]nf(inity)?)\z"
"""A number as a spreadsheet or a data frame writes one that is too long for it: what was an id is none any more."""


def column_of(name: str) -> Column:
    """A column by its name as it stands, whatever the name holds."""
    from pyspark.sql import functions as F

    return F.col(f"`{name.replace('`', '``')}`")


def text(column: str) -> Column:
    """A text value without blanks around it; null where nothing is left."""
    from pyspark.sql import functions as F

    return F.nullif(F.trim(column_of(column)), F.lit(""))


def code(column: str) -> Column:
    """An id or a category. A whole number is the same in a file that writes it as a fraction: `5.0` is `5`."""
    from pyspark.sql import functions as F

    written = text(column)
    return F.when(written.rlike(WHOLE), F.substring_index(written, ".", 1)).otherwise(written)


def number(column: str, decimal: str = ".") -> Column:
    """A finite number; null where the text is none. With a decimal comma, points group thousands."""
    from pyspark.sql import functions as F

    written = text(column)
    plain = written if decimal == "." else F.translate(written, ",.", ".")
    value = F.when(plain.rlike(NUMBER), plain.try_cast("double"))
    return F.when(F.abs(value) < F.lit(float("inf")), value)


def instant(time: TimeColumn, zone: str) -> Column:
    """The moment a time column names, in UTC; null where it cannot be read.

    Text without an offset is local time in the column's zone, or else in `zone`.
    """
    from pyspark.sql import functions as F

    if time.unit != "text":
        micros = number(time.column) * F.lit(float(MICROS[time.unit])) + F.lit(float(time.origin_micros(zone)))
        sane = F.abs(micros) < F.lit(float(LARGEST_MICROS))
        return F.when(sane, F.timestamp_micros(F.round(micros).cast("bigint")))
    raw = text(time.column)
    if time.pattern:
        read = F.try_to_timestamp(raw, F.lit(time.pattern))
        return read if _tells_offset(time.pattern) else F.to_utc_timestamp(read, time.zone or zone)
    # The cast alone would take `10:30` for a time of today, and `2026` for a new year's midnight.
    read = F.when(raw.rlike(f"{ISO_DAY}({CLOCK}({OFFSET})?)?\\z"), raw.try_cast("timestamp"))
    return F.when(raw.rlike(f"{CLOCK}{OFFSET}\\z"), read).otherwise(F.to_utc_timestamp(read, time.zone or zone))


def _day(column: str) -> Column:
    """The day that a text begins with; null where it begins with none."""
    from pyspark.sql import functions as F

    begins = text(column).substr(1, 10)
    return F.when(begins.rlike(ISO_DAY), begins.try_cast("date"))


def _tells_offset(pattern: str) -> bool:
    """Whether a time pattern has a letter for the offset or the zone, outside quoted text."""
    return bool(re.search("[VzOXxZ]", re.sub("'[^']*'", "", pattern)))


def identity(columns: Sequence[str]) -> Column:
    """One id from one or several columns; null where a part is missing."""
    from pyspark.sql import functions as F

    parts = [part for column in columns for part in (F.lit(KEY_SEPARATOR), code(column))][1:]
    return code(columns[0]) if len(columns) == 1 else F.concat(*parts)


def first_reason(*reasons: tuple[str, Column]) -> Column:
    """The reader's own reason, else the first reason whose condition holds, else null."""
    from pyspark.sql import functions as F

    found = [F.when(condition, F.lit(reason)) for reason, condition in reasons]
    return F.coalesce(F.col("_reject"), *found)


def no_number(column: str) -> str:
    """The reason against a row whose number is none. A number that is missing is no reason."""
    return f"`{column}` holds text that is no number"


def _bad_values(ids: Sequence[str], numbers: Sequence[str], decimal: str = ".") -> Column:
    """Why values of a row cannot be what the description says of them; null where they can."""
    from pyspark.sql import functions as F

    found = []
    for column in dict.fromkeys(ids):
        parted = column_of(column).contains(KEY_SEPARATOR)
        found += [
            F.when(text(column).rlike(ROUNDED), F.lit(f"`{column}` holds a rounded number, which is no id")),
            F.when(parted, F.lit(f"`{column}` holds `{KEY_SEPARATOR}`, the sign between the parts of a key")),
        ]
    for column in dict.fromkeys(numbers):
        garbage = text(column).isNotNull() & number(column, decimal).isNull() & ~text(column).rlike(NO_VALUE)
        found.append(F.when(garbage, F.lit(no_number(column))))
    return F.coalesce(*found, F.lit(None).cast("string"))


def _judged(typed: DataFrame, *reasons: tuple[str, Column]) -> DataFrame:
    """`typed` with `_reject` saying why a row cannot be used: what is missing, then what stands in `_bad`."""
    from pyspark.sql import functions as F

    return typed.withColumn("_reject", F.coalesce(first_reason(*reasons), F.col("_bad"))).drop("_bad")


def _row_text(columns: Sequence[str]) -> Column:
    """What a rejected row said: the reader's raw text, or its columns."""
    from pyspark.sql import functions as F

    named = [F.concat(F.lit(f"{column}="), F.coalesce(column_of(column), F.lit(""))) for column in columns]
    return F.substring(F.coalesce(F.col("_text"), F.concat_ws(", ", *named)), 1, 2000)


def _context(columns: Columns, decimal: str) -> dict[str, Column]:
    categorical = {name: code(name) for name in columns.categorical}
    return categorical | {name: number(name, decimal) for name in columns.numeric}


def _ids(log: Impressions | LandingCandidates, anonymous: str) -> dict[str, Column]:
    """The user and the ad of a row, as far as the log names them; `anonymous` stands for a user that it does not."""
    from pyspark.sql import functions as F

    ids = {name: code(column) for name, column in (("user_id", log.user), ("ad_id", log.ad)) if column}
    if log.user and anonymous:
        ids["user_id"] = F.coalesce(ids["user_id"], F.lit(anonymous))
    return ids


def _clicked(label: InlineLabel, decimal: str) -> Column:
    """Whether the row is clicked, 1 or 0; null where it does not say."""
    from pyspark.sql import functions as F

    said = text(label.column)
    if label.clicked_if == "present":
        return said.isNotNull().cast("int")
    if label.clicked_if == "above_zero":
        return (number(label.column, decimal) > 0).cast("int")
    try:
        meant = float(label.clicked)
    except ValueError:
        return (said == F.lit(label.clicked)).cast("int")
    return (number(label.column) == F.lit(meant)).cast("int")


def _measured(measure: Measure, decimal: str) -> Column:
    """The value of a measure; null where a part is missing or the divisor is not above 0."""
    from pyspark.sql import functions as F

    total = number(measure.columns[0], decimal)
    for column in measure.columns[1:]:
        total = total + number(column, decimal)
    divisor = number(measure.over, decimal) if isinstance(measure.over, str) else F.lit(float(measure.over))
    value = F.greatest(F.when(divisor > 0, total / divisor), F.lit(0.0))
    value = F.when(total.isNotNull() & (divisor > 0), value)
    capped = value if measure.cap is None else F.when(value.isNotNull(), F.least(value, F.lit(float(measure.cap))))
    return F.log1p(capped) if measure.log else capped


def parsed_impressions(landed: DataFrame, dataset: Dataset, source_columns: Sequence[str]) -> DataFrame:
    """Impressions with their day shown (`dt`, local to the data set), or with `_reject` saying why not."""
    from pyspark.sql import functions as F

    log = dataset.impressions
    event_time = instant(log.time, dataset.time_zone)
    ids = _ids(log, log.anonymous)
    label = {"clicked": _clicked(dataset.label, log.decimal)} if isinstance(dataset.label, InlineLabel) else {}
    numbers = [*log.context.numeric, *(name for measure in log.measures.values() for name in measure.source_columns)]
    typed = landed.select(
        F.to_date(F.from_utc_timestamp(event_time, dataset.time_zone)).alias("dt"),
        identity(log.id).alias("impression_id"),
        event_time.alias("event_time"),
        *[column.alias(name) for name, column in ids.items()],
        *[column.alias(name) for name, column in _context(log.context, log.decimal).items()],
        *[_measured(measure, log.decimal).alias(name) for name, measure in log.measures.items()],
        *[column.alias(name) for name, column in label.items()],
        "_file",
        "_row",
        _row_text(source_columns).alias("_text"),
        "_reject",
        _bad_values([*log.id, *filter(None, (log.user, log.ad))], numbers, log.decimal).alias("_bad"),
    )
    reasons = [
        (f"no impression id in {', '.join(log.id)}", F.col("impression_id").isNull()),
        (f"time in {log.time.column} cannot be read", F.col("event_time").isNull()),
        *[(f"no {name} in the row", F.col(name).isNull()) for name in ids],
        *[("no label in the row", F.col(name).isNull()) for name in label],
    ]
    return _judged(typed, *reasons)


def parsed_clicks(landed: DataFrame, dataset: Dataset, source_columns: Sequence[str]) -> DataFrame:
    """Clicks with the day they happened (`dt`), or with `_reject` saying why not."""
    from pyspark.sql import functions as F

    log = dataset.label
    assert isinstance(log, ClickLog)
    time = instant(log.time, dataset.time_zone)
    typed = landed.select(
        F.to_date(F.from_utc_timestamp(time, dataset.time_zone)).alias("dt"),
        identity(log.id).alias("impression_id"),
        time.alias("click_time"),
        "_file",
        "_row",
        _row_text(source_columns).alias("_text"),
        "_reject",
        _bad_values(log.id, ()).alias("_bad"),
    )
    reasons = (
        (f"no impression id in {', '.join(log.id)}", F.col("impression_id").isNull()),
        (f"time in {log.time.column} cannot be read", F.col("click_time").isNull()),
    )
    return _judged(typed, *reasons)


def parsed_attributes(landed: DataFrame, table: Attributes, source_columns: Sequence[str]) -> DataFrame:
    """Attribute rows by key, or with `_reject` saying why not."""
    from pyspark.sql import functions as F

    source = table.key_column or table.key
    dates = [_day(name).alias(name) for name in table.dates]
    typed = landed.select(
        code(source).alias(table.key),
        *[column.alias(name) for name, column in _context(table.columns, table.decimal).items()],
        *dates,
        "_file",
        "_row",
        _row_text(source_columns).alias("_text"),
        "_reject",
        _bad_values([source], table.columns.numeric, table.decimal).alias("_bad"),
    )
    return _judged(typed, (f"no {source} in the row", F.col(table.key).isNull()))


def parsed_candidates(
    landed: DataFrame, dataset: Dataset, candidates: LandingCandidates, source_columns: Sequence[str]
) -> DataFrame:
    """Pairs to be scored, or with `_reject` saying why not. Who is not named is the impressions' anonymous user."""
    from pyspark.sql import functions as F

    ids = _ids(candidates, dataset.impressions.anonymous)
    typed = landed.select(
        *[column.alias(name) for name, column in ids.items()],
        *[column.alias(name) for name, column in _context(candidates.context, candidates.decimal).items()],
        "_file",
        "_row",
        _row_text(source_columns).alias("_text"),
        "_reject",
        _bad_values(
            list(filter(None, (candidates.user, candidates.ad))), candidates.context.numeric, candidates.decimal
        ).alias("_bad"),
    )
    return _judged(typed, *[(f"no {name} in the row", F.col(name).isNull()) for name in ids])
