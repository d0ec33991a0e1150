"""YAML read strictly: what one file says twice, or says in more values than a person would write, is an error.

Plain values alone: a tag that would make an object is refused, and so is all that the parser itself stumbles over.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent

from conf.error_words import first_line
from conf.errors import SettingsError
from conf.refusals import fitting

MOST_CHARACTERS = 1_000_000
MOST_LEVELS = 30
MOST_VALUES = 20_000
"""With every `*name` counted as all that it stands for."""
LONGEST_SHOWN = 60


class StrictLoader(yaml.SafeLoader):
    """PyYAML's loader of plain values, with a limit to depth and number, and without keys that stand twice."""

    def __init__(self, text: str) -> None:
        """Read a text."""
        super().__init__(text)
        self._level = 0
        self._count = 0
        self._open: set[str] = set()
        self._sizes: dict[str, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One value, counted."""
        event: Any = self.peek_event()
        name: str = getattr(event, "anchor", None) or ""
        if self.check_event(AliasEvent):
            if name in self._open:
                raise ComposerError(
                    None, None, f"`*{name}` stands for something that it is a part of", event.start_mark
                )
            self._counted(self._sizes.get(name, 0), event.start_mark)
            return super().compose_node(parent, index)
        self._level += 1
        if self._level > MOST_LEVELS:
            raise ComposerError(None, None, f"nested more than {MOST_LEVELS} levels deep", event.start_mark)
        before = self._count
        self._counted(1, event.start_mark)
        if name:
            self._open.add(name)
        node = super().compose_node(parent, index)
        if name:
            self._open.discard(name)
            self._sizes[name] = self._count - before
        self._level -= 1
        return node

    def _counted(self, more: int, mark: Any) -> None:
        self._count += more
        if self._count > MOST_VALUES:
            raise ComposerError(None, None, f"more than {MOST_VALUES:,} values", mark)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys each stand in it once."""
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise ConstructorError(
                        None, None, f"`{fitting(str(key.value), LONGEST_SHOWN)}` stands twice", key.start_mark
                    )
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """A plain value."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError) as error:
            kind = node.tag.rpartition(":")[2]
            said = f"`{fitting(str(node.value), LONGEST_SHOWN)}` cannot be read as {kind}; write text in quotes"
            raise ConstructorError(None, None, said, node.start_mark) from error


def yaml_value(text: str) -> Any:
    """The one value in a YAML text.

    Raises:
        ValueError: it is no YAML, or more than a person would write; the message tells line and column.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters, more than the {MOST_CHARACTERS:,} that settings may have")
    try:
        loader = StrictLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{error.problem or error.context or 'it is no YAML'}{place}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(first_line(error)) from error


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an error names file and line."""
    try:
        content = yaml_value(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: there is no such file.") from error
    except (OSError, ValueError) as error:
        raise SettingsError(fitting(f"{path} cannot be read as YAML: {error}")) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected settings as `name: value` lines, found a {type(content).__name__}.")
    return content
