"""Every engine function that the project uses, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from engine_frames import INFINITY, NAN, column_of, plain, small

pytestmark = pytest.mark.spark

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Asia/Kolkata", "Australia/Lord_Howe")
TEXTS = [
    *("", " ", "  a ", "\ta\t", "\u00a0a\u00a0", "\u3000a", "\u200ba", "a\r", "A,b,c", "1", "1.5", " 2 ", "\t3", "1e3"),
    *("1E400", "NaN", "Infinity", "-inf", "+5", "1_000", "1,5", "1.000,5", "1d", "1f", "1D", "5L", "0x10", "0x1p3"),
    *("--", "null", "1.", "  .5", ".", "e5", "1e-400", "12345678901234567890", "4.9e-324", "\u0661\u0662"),
    *("\U0001d7cf", "1 2", "1\u00a0", "-0", "\u00e9", "\u65e5\u672c", None),
    *(
        "5.0",
        "-12.00",
        "5.0\n",
        "5.0.0",
        "\u0665.0",
        "1.5E18",
        "1e+20",
        "1e+20\n",
        "1e20",
        "NULL",
        "n/a",
        "\\N",
        "\\n",
        "-",
    ),
]
TIMES = [
    *("2026-01-10", "2026-1-5", "2026-01-10 12:00", "2026-01-10T12:00:00", "2026-01-10T12:00:00Z", "2026-01-10T12:00Z"),
    *("2026-01-10 12:00:00+02:00", "2026-01-10 12:00:00+0200", "2026-01-10 12:00:00+02", "2026-01-10 12:00:00 UTC"),
    *("2026-01-10 12:00:00.1", "2026-01-10 12:00:00.1234567", "2026-01-10 24:00:00", "2026-01-10 23:59:60"),
    *("2026-02-30", "2026-13-01", "2026-01-10 12:60:00", "0001-01-01", "9999-12-31 23:59:59.999999", "10000-01-01"),
    *("2026-01-10 1:2:3", "2026-01-10 12", "2026", "10:30", "10:30:00", "2026-01", "now", "today", " 2026-01-10 "),
    *("2026-01-10 12:00:00 Europe/Berlin", "2026-01-10 12:00:00+19:00", "2026-01-10 12:00:00.", "2026-03-29 02:30:00"),
    *("2026-10-25 02:30:00", "1900-01-01 00:00:00", "-2026-01-01", "2026-01-10  12:00:00", "2026/01/10", "20260110"),
    *("2026-01-10 12:00:00.000000000", "2026-01-10 12:00:00.123456789", "2026-01-10 12:00:00.000+0100"),
    *("2026-01-10 12:00:00\r", "2026-01-10\n", "\t2026-01-10", "\u0662\u0660\u0662\u0666-01-10", "99/99/2026", None),
]
NUMBERS = [0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 1e308, 5e-324, NAN, INFINITY, -INFINITY, 1e17, 2.4999999999999996, None]
INSTANTS = [
    *(datetime(2026, 3, 29, hour, 30, tzinfo=UTC) for hour in range(4)),
    *(datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in range(4)),
    datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=UTC),
    datetime(2099, 7, 1, tzinfo=UTC),
    None,
]
DAYS = [*(date(2026, 1, day) for day in range(5, 12)), date(1, 1, 1), date(9999, 12, 31), None]
PATTERNS = (
    *("yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd", "yyyy-M-d H:m:s", "yyyy-MM-dd'T'HH:mm:ssXXX", "yyyyMMdd"),
    *(
        "dd/MM/yyyy HH:mm",
        "yyyy-MM-dd HH:mm:ss.SSS",
        "yyyy-MM-dd HH:mm:ss[.SSSSSS]",
        "yyyy-MM-dd HH:mm:ssZ",
        "M/d/yyyy h:mm a",
        "yyMMddHH",
    ),
    *("dd/MMM/yyyy:HH:mm:ss Z", "MMM d, yyyy", "yyyyMMddHHmmss", "dd.MM.yyyy HH:mm:ss"),
)
PATTERNED = [
    *TIMES,
    *("14102100", "10/Oct/2000:13:55:36 -0700", "10/01/2026 05:06", "1/2/2026 3:04 PM", "Jan 5, 2026"),
    *("20260110123000", "10.01.2026 05:06:07", " 10.01.2026 05:06:07", "2026-01-10 12:00:00.123"),
]


def text_expressions() -> dict[str, Column]:
    from pyspark.sql import functions as F

    from features.context import band, first_part
    from features.parse import _bad_values, code, number, text

    v = F.col("v")
    return {
        "trim": F.trim(v),
        "nullif": F.nullif(F.trim(v), F.lit("")),
        "translate": F.translate(v, ",.", "."),
        "substring": F.substring(v, 1, 2),
        "substring_index": F.substring_index(v, ",", 1),
        "xxhash64": F.xxhash64(v),
        "concat": F.concat(v, F.lit("\u241f"), v),
        "concat_ws": F.concat_ws("\u241f", v, F.lit(None).cast("string"), v),
        "coalesce": F.coalesce(v, F.lit("?")),
        "compared": v == F.lit("a"),
        "our text": text("v"),
        "our code": code("v"),
        "our objection to an id": _bad_values(["v"], []),
        "our objection to a number": _bad_values([], ["v"]),
        "our number": number("v"),
        "our number with a decimal comma": number("v", ","),
        "our band": band(number("v"), (1.0, 2.0, 100.0)),
        "our first part": first_part(v, ","),
    }


def time_expressions() -> dict[str, Column]:
    from pyspark.sql import functions as F

    from conf.landing import TimeColumn
    from features.parse import _day, instant

    column = TimeColumn(column="v")
    ours = {f"our instant in {zone}": F.unix_micros(instant(column, zone)) for zone in ZONES[:3]}
    return ours | {"our day": F.datediff(_day("v"), F.lit(date(2026, 1, 1))).cast("double")}


def pattern_expressions() -> dict[str, Column]:
    from pyspark.sql import functions as F

    read = {pattern: F.try_to_timestamp(F.col("v"), F.lit(pattern)) for pattern in PATTERNS}
    return {f"pattern {pattern}": F.unix_micros(value) for pattern, value in read.items()}


def number_expressions() -> dict[str, Column]:
    from pyspark.sql import functions as F

    v = F.col("v")
    small = F.when(F.abs(v) < 1e9, v)
    return {
        "abs": F.abs(v),
        "exp": F.exp(-small),
        "log": F.log(v),
        "log1p": F.log1p(F.abs(v)),
        "round": F.round(small).cast("bigint"),
        "floor": F.floor(small),
        "pmod": F.pmod(F.floor(small), F.lit(7)),
        "pmod of a hash": F.pmod(F.xxhash64(v), F.lit(100)),
        "timestamp_micros": F.unix_micros(F.timestamp_micros(F.round(small).cast("bigint"))),
        "compared": v > 0,
        "compared with NaN": v < F.lit(NAN),
        "greatest": F.greatest(v, F.lit(1.0)),
        "least": F.least(v, F.lit(1.0)),
        "sigmoid": F.lit(1.0) / (F.lit(1.0) + F.exp(-small)),
        "xxhash64": F.xxhash64(v),
    }


def instant_expressions() -> dict[str, Column]:
    from pyspark.sql import functions as F

    found = {"unix_micros": F.unix_micros("v"), "xxhash64": F.xxhash64("v")}
    for zone in ZONES:
        local = F.from_utc_timestamp("v", zone)
        found |= {
            f"from UTC to {zone}": F.unix_micros(local),
            f"to UTC from {zone}": F.unix_micros(F.to_utc_timestamp("v", zone)),
            f"to_date in {zone}": F.to_date(local),
            f"hour in {zone}": F.hour(local).cast("string"),
        }
    return found


def day_expressions() -> dict[str, Column]:
    from pyspark.sql import functions as F

    v = F.col("v")
    return {
        "date_format": F.date_format("v", "E"),
        "datediff": F.datediff("v", F.lit(date(2026, 1, 1))).cast("double"),
        "greatest": F.greatest(v, F.lit(date(2026, 1, 7))),
        "greatest of nulls": F.greatest(v, F.lit(None).cast("date")),
        "compared": v <= F.lit(date(2026, 1, 8)),
        "as text": v.cast("string"),
    }


GROUPS: dict[str, tuple[str, list[Any], Callable[[], dict[str, Column]]]] = {
    "texts": ("string", TEXTS, text_expressions),
    "times": ("string", TIMES, time_expressions),
    "patterns": ("string", PATTERNED, pattern_expressions),
    "numbers": ("double", NUMBERS, number_expressions),
    "instants": ("timestamp", INSTANTS, instant_expressions),
    "days": ("date", DAYS, day_expressions),
}


def evaluated(engine: SparkSession, group: str) -> dict[str, list[str]]:
    """Each expression's value for each input, in the order of the inputs."""
    kind, values, expressions = GROUPS[group]
    chosen = [column.alias(name) for name, column in expressions().items()]
    found = column_of(engine, kind, values).select("id", *chosen).toArrow().to_pylist()
    rows = sorted(found, key=lambda row: row["id"])
    return {name: [shown(row[name]) for row in rows] for name in expressions()}


def shown(value: Any) -> str:
    """A value to twelve digits; the engines' logarithms differ beyond, and where a number is hardly one."""
    if isinstance(value, float):
        return "0" if abs(value) < 1e-300 else f"{value:.12g}"
    return repr(value)


@pytest.mark.parametrize("group", GROUPS)
def test_expressions_that_the_project_uses_have_the_same_value_on_both_engines(engine, spark, group):
    embedded, other = evaluated(engine, group), evaluated(spark, group)
    values = GROUPS[group][1]
    unlike = {
        name: [pair for pair in zip(values, embedded[name], other[name], strict=True) if pair[1] != pair[2]]
        for name in embedded
    }
    assert {name: found for name, found in unlike.items() if found} == {}


def aggregates(frame: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    found = [F.min("v"), F.max("v"), F.min("s"), F.max("s"), F.avg("id"), F.count("v"), F.count(F.lit(1)), F.sum("id")]
    powers = F.pow(F.lit(2.0), F.col("id") % 52).cast("long")
    return frame.agg(*found, F.countDistinct("s"), F.bit_or(powers), F.bit_count(F.bit_or(powers)).cast("double"))


def first_rows(frame: DataFrame) -> DataFrame:
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    order = Window.partitionBy(F.col("v") > 1).orderBy("s", "id")
    return frame.select("id", F.row_number().over(order).alias("n")).orderBy("id")


def a_row_each(frame: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    pairs = [F.struct(F.lit(name).alias("column"), F.col(name).cast("string").alias("value")) for name in ("id", "s")]
    each = frame.withColumn("_pair", F.explode(F.array(*pairs)))
    return each.select("id", F.col("_pair.column"), F.col("_pair.value")).orderBy("id", "column")


def joined(how: str) -> Callable[[DataFrame], DataFrame]:
    def join(frame: DataFrame) -> DataFrame:
        from pyspark.sql import functions as F

        return frame.join(frame.select(F.col("s"), F.lit(True).alias("known")), on="s", how=how).orderBy("id")

    return join


SHAPES: dict[str, Callable[[DataFrame], DataFrame]] = {
    "aggregates": aggregates,
    "aggregates of nothing": lambda frame: aggregates(frame.where("false")),
    "null and NaN in ascending order": lambda frame: frame.orderBy("v").select("id"),
    "null and NaN in descending order": lambda frame: frame.orderBy("v", ascending=False).select("id"),
    "null text in order": lambda frame: frame.orderBy("s").select("id"),
    "row_number": first_rows,
    "a row for each of some columns": a_row_each,
    "left join on a null key": joined("left"),
    "inner join on a null key": joined("inner"),
    "groups by null and NaN": lambda frame: frame.unionByName(frame).groupBy("v").count().orderBy("v"),
    "distinct": lambda frame: frame.unionByName(frame).distinct().orderBy("id"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_put_together_and_ordered_alike(engine, spark, shape):
    assert plain(SHAPES[shape](small(engine))) == plain(SHAPES[shape](small(spark)))


def test_pandas_columns_have_the_same_types(engine, spark):
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [(1, 2, 3.0, "a", date(2026, 1, 1), moment, True), (None,) * 7]
    schema = "a int, b bigint, c double, d string, e date, f timestamp, g boolean"
    found = [dict(one.createDataFrame(rows, schema).toPandas().dtypes.astype(str)) for one in (engine, spark)]
    assert found[0] == found[1]
