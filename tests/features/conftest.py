"""Tiny tables for the pure transformations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conf.dataset import Dataset, load_dataset

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Table = Callable[[str, Sequence[Sequence[Any]]], "DataFrame"]


@pytest.fixture
def table(engine: SparkSession) -> Table:
    """Makes a DataFrame: `table("id string, n int", [["a", 1]])`."""
    return lambda schema, rows: engine.createDataFrame([tuple(row) for row in rows], schema)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """The small click log."""
    return load_dataset(str(Path(__file__).parents[1] / "data" / "click_log.yaml"))


@pytest.fixture(scope="session")
def inline() -> Dataset:
    """The small log that carries its label."""
    return load_dataset(str(Path(__file__).parents[1] / "data" / "inline_label.yaml"))


@pytest.fixture(scope="session")
def utc() -> Callable[[str], datetime]:
    """A moment in UTC from its ISO text."""
    return lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC)
