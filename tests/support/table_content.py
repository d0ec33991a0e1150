"""The content of tables in an order of its own, so that two stores can be compared."""

from __future__ import annotations

from typing import Any

from jobs.workspace import Workspace

TIMINGS = "runs"
"""The one table that differs between two runs of the same night: it holds how long they took."""

MOMENTS = ("at",)
"""Columns that tell when something was done, of no matter to what was done."""


def rows_of(workspace: Workspace, table: str) -> list[tuple[Any, ...]]:
    """A table's rows as tuples in the order of its columns, sorted."""
    columns = [name for name in workspace.store.specs[table].columns if name not in MOMENTS]
    rows = [tuple(row[column] for column in columns) for row in workspace.store.rows(table)]
    return sorted(rows, key=repr)


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
