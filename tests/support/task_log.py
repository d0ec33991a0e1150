"""What an operator writes into its task's log."""

from __future__ import annotations

from typing import Any


class TaskLog:
    """Keeps the lines that are logged, as they would stand in the log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, text: str, *values: Any) -> None:
        self.lines.append(text % values)
