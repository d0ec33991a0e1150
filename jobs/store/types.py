"""The few column types of the tables, in the words of Iceberg, the engine and Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
from pyiceberg import types as iceberg
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform, MonthTransform

from jobs.store.schemas import MONTH, TableSpec

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

SPARK_TYPES = {
    "string": "string",
    "date": "date",
    "timestamp": "timestamp",
    "double": "double",
    "int": "integer",
    "long": "long",
    "boolean": "boolean",
}
"""As a cast and a schema's JSON both name them."""
ARROW_TYPES = {
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "double": pa.float64(),
    "int": pa.int32(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
}
ICEBERG_TYPES: dict[str, iceberg.PrimitiveType] = {
    "string": iceberg.StringType(),
    "date": iceberg.DateType(),
    "timestamp": iceberg.TimestamptzType(),
    "double": iceberg.DoubleType(),
    "int": iceberg.IntegerType(),
    "long": iceberg.LongType(),
    "boolean": iceberg.BooleanType(),
}


def iceberg_type(kind: str) -> iceberg.PrimitiveType:
    """A column type in Iceberg's words."""
    return ICEBERG_TYPES[kind]


def iceberg_schema(columns: Mapping[str, str]) -> Schema:
    """An Iceberg schema of optional columns, numbered in order."""
    fields = [
        iceberg.NestedField(number, name, ICEBERG_TYPES[kind], required=False)
        for number, (name, kind) in enumerate(columns.items(), start=1)
    ]
    return Schema(*fields)


def iceberg_partition(spec: TableSpec) -> PartitionSpec:
    """Partitioning by the values of the spec's partition columns, or by the month of its day."""
    numbers = {name: number for number, name in enumerate(spec.columns, start=1)}
    if spec.monthly:
        return PartitionSpec(PartitionField(numbers[spec.partition[0]], 1000, MonthTransform(), MONTH))
    fields = [
        PartitionField(numbers[name], 1000 + order, IdentityTransform(), name)
        for order, name in enumerate(spec.partition)
    ]
    return PartitionSpec(*fields)


def spark_schema(columns: Mapping[str, str]) -> StructType:
    """The engine's schema of the columns, made without asking an engine."""
    from pyspark.sql.types import StructType

    fields = [
        {"name": name, "type": SPARK_TYPES[kind], "nullable": True, "metadata": {}} for name, kind in columns.items()
    ]
    return StructType.fromJson({"type": "struct", "fields": fields})


def arrow_schema(columns: Mapping[str, str]) -> pa.Schema:
    """The Arrow schema of the columns."""
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in columns.items()])
