"""No engine function is used before it has been compared on both engines. Needs no engine itself."""

from __future__ import annotations

import ast
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
COMPARED = Path(__file__).with_name("test_functions.py")


def functions_used(files: list[Path]) -> set[str]:
    """Names behind `F.` in Python files."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    return {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == "F"}


def test_no_function_is_used_that_was_not_compared():
    sources = [file for package in ("features", "jobs", "validation") for file in (REPOSITORY / package).rglob("*.py")]
    used = functions_used(sources)
    assert "to_utc_timestamp" in used
    assert used - functions_used([COMPARED]) == set(), f"compare these on both engines, in {COMPARED.name}"
