"""Where the engines are known to differ: still so, and told in the documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from engine_frames import column_of, plain, small

pytestmark = pytest.mark.spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Difference:
    """Something the engines do unlike each other: what each gives. docs/engines.md tells how it is handled."""

    name: str
    run: Callable[[SparkSession, Path], Any]
    embedded: str
    spark: str


def value_of(expression: str, value: Any = None, kind: str = "string") -> Callable[[SparkSession, Path], str]:
    return lambda engine, _: plain(column_of(engine, kind, [value]).selectExpr(expression))


def written_files(engine: SparkSession, folder: Path) -> bool:
    small(engine).where("false").write.parquet(str(folder / "none"))
    return (folder / "none").exists()


def read_empty(engine: SparkSession, folder: Path) -> int:
    (folder / "empty").mkdir()
    return engine.read.parquet(str(folder / "empty")).count()


def read_missing(engine: SparkSession, folder: Path) -> int:
    return engine.read.schema("a int").parquet(str(folder / "missing")).count()


def file_names(engine: SparkSession, folder: Path) -> bool:
    from pyspark.sql import functions as F

    small(engine).write.parquet(str(folder / "some"))
    row = engine.read.parquet(str(folder / "some")).select(F.input_file_name()).first()
    return row is not None and "some" in row[0]


def matches_digit(engine: SparkSession, _: Path) -> str:
    from pyspark.sql import functions as F

    return plain(column_of(engine, "string", ["\u0661"]).select(F.col("v").rlike(r"^\d$")))


LATER = datetime(2150, 7, 1, tzinfo=UTC)
SUNDAY = datetime(2026, 3, 29, 1, tzinfo=UTC)
WITH_ZONE, LARGEST, NOT_SCIENTIFIC = "2026-01-10T12:00Z", 2**31 - 1, "[('10000000000.0',)]"
DIFFERENCES = (
    Difference("number with a type suffix", value_of("try_cast(v as double)", "1d"), "[(None,)]", "[(1.0,)]"),
    Difference("hexadecimal number", value_of("try_cast(v as double)", "0x1p3"), "[(None,)]", "[(8.0,)]"),
    Difference("digits of other scripts", matches_digit, "[(True,)]", "[(False,)]"),
    Difference("number as text", value_of("cast(v as string)", 1e10, "double"), NOT_SCIENTIFIC, "[('1.0E10',)]"),
    Difference("isnan of null", value_of("isnan(v)", None, "double"), "[(None,)]", "[(False,)]"),
    Difference("time as a date", value_of("try_cast(v as date) is null", WITH_ZONE), "[(True,)]", "[(False,)]"),
    Difference("overflow of an integer", value_of("v + 1", LARGEST, "int"), "[(-2147483648,)]", "ArithmeticException"),
    Difference("weekday of a time", value_of("weekday(v)", SUNDAY, "timestamp"), "[(-1,)]", "[(6,)]"),
    Difference(
        "summer time after 2099",
        value_of("hour(from_utc_timestamp(v, 'Europe/Berlin'))", LATER, "timestamp"),
        "[(1,)]",
        "[(2,)]",
    ),
    Difference(
        "offset as a time zone",
        value_of("hour(from_utc_timestamp(v, '+02:00'))", SUNDAY, "timestamp"),
        "AnalysisException",
        "[(3,)]",
    ),
    Difference(
        "zone letter in a time pattern",
        value_of("try_to_timestamp(v, 'yyyy-MM-dd HH:mm:ss z') is null", "2026-01-10 12:00:00 +0200"),
        "[(False,)]",
        "[(True,)]",
    ),
    Difference(
        "weekday letter in a time pattern",
        value_of("try_to_timestamp(v, 'EEE MMM dd yyyy')", "Sat Jan 10 2026"),
        "AnalysisException",
        "SparkUpgradeException",
    ),
    Difference("bad cast", value_of("cast(v as int)", "x"), "SparkRuntimeException", "NumberFormatException"),
    Difference("division by zero", value_of("1.0D / v", 0.0, "double"), "AnalysisException", "ArithmeticException"),
    Difference("writing no rows", written_files, "False", "True"),
    Difference("reading an empty folder", read_empty, "0", "AnalysisException"),
    Difference("reading a missing folder", read_missing, "0", "AnalysisException"),
    Difference("input_file_name", file_names, "UnsupportedOperationException", "True"),
    Difference("percentile_approx", value_of("percentile_approx(id + v, 0.5)", 1, "int"), "[(1.0,)]", "[(1,)]"),
)


def outcome(difference: Difference, engine: SparkSession, folder: Path) -> str:
    """What comes out, or the name of the error."""
    from pyspark.errors import PySparkException

    folder.mkdir()
    try:
        return str(difference.run(engine, folder))
    except PySparkException as error:
        return type(error).__name__


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda found: found.name)
def test_a_known_difference_is_still_what_the_documentation_says(engine, spark, tmp_path, difference):
    found = outcome(difference, engine, tmp_path / "embedded"), outcome(difference, spark, tmp_path / "spark")
    assert found == (difference.embedded, difference.spark)
    assert f"| {difference.name} |" in (REPOSITORY / "docs" / "engines.md").read_text(encoding="utf-8")


def test_a_query_that_fails_puts_nothing_on_the_terminal(spark, capfd):
    from pyspark.errors import PySparkException

    with pytest.raises(PySparkException, match="CAST_INVALID_INPUT"):
        value_of("cast(v as int)", "x")(spark, REPOSITORY)
    assert capfd.readouterr() == ("", "")
