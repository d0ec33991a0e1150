"""What commands say: tables and lines on the terminal in which no value can move the cursor or change its colour."""

from __future__ import annotations

from collections.abc import Iterable

import typer
from rich import console as rich_console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from conf.plain_text import visible


class Console(rich_console.Console):
    """Rich's console that spells out control characters of what it is given."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The parts that Rich makes of something, each with its text visible."""
        for part in super().render(renderable, options):
            yield part if part.control else part._replace(text=visible(part.text))


def say(text: str = "") -> None:
    """Print plain text."""
    typer.echo(visible(text))
