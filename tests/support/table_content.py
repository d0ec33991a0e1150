"""The content of tables in an order of its own, so that two stores can be compared."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

from jobs.workspace import Workspace

TIMINGS = "runs"
"""The one table that differs between two runs of the same night: it holds how long they took."""

DIGITS = 8

NEAR = 1e-6
"""How far what a model promises may lie from what it promises when it has learned the same rows in another order: trees
add up in single precision. Relative, or absolute near nought."""

MOMENTS = ("at", "snapshot", "bundle")
"""Columns that tell when something was done, on which of equal snapshots, or the bytes of a model, whose last digits
depend on the order of rows: of no matter to what was done."""


def rows_of(workspace: Workspace, table: str) -> list[tuple[Any, ...]]:
    """A table's rows as tuples in the order of its columns, sorted."""
    columns = [name for name in workspace.store.specs[table].columns if name not in MOMENTS]
    rows = [tuple(rounded(row[column]) for column in columns) for row in workspace.store.rows(table)]
    return sorted(rows, key=repr)


def rounded(value: Any) -> Any:
    """A value whose floats, those in JSON too, lack the digits that depend on the order in which rows were added up."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, str) and value.startswith(("{", "[")):
        with suppress(ValueError):
            return json.dumps(json.loads(value, parse_float=lambda number: rounded(float(number))))
    return value


def content(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every table but the timings."""
    return {name: rows_of(workspace, name) for name in workspace.store.specs if name != TIMINGS}


def differences(one: dict[str, list[tuple[Any, ...]]], other: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    """The rows that only one of two contents has, by table; empty where they are equal."""
    found = {}
    for name in one:
        if one[name] != other[name]:
            left, right = [row for row in one[name] if row not in other[name]], []
            right = [row for row in other[name] if row not in one[name]]
            found[name] = {"only first": left, "only second": right, "sizes": (len(one[name]), len(other[name]))}
    return found


def far_apart(one: dict[str, list[tuple[Any, ...]]], other: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    """As `differences`, of the tables alone whose rows differ by more than `NEAR` in a float."""
    found = differences(one, other)
    return {name: told for name, told in found.items() if not near(_in_order(one[name]), _in_order(other[name]))}


def near(one: Any, other: Any) -> bool:
    """Whether two values are equal but for floats, those in JSON too, that differ by `NEAR` at most."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=NEAR, abs_tol=NEAR) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, str) and isinstance(other, str) and one.startswith(("{", "[")):
        with suppress(ValueError):
            return near(json.loads(one), json.loads(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(near(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(near, one, other))
    return bool(one == other)


def _in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows in an order that their floats decide last."""
    return sorted(rows, key=lambda row: (repr([value for value in row if not isinstance(value, float)]), repr(row)))
