"""What lies in a folder: files that belong together, the pattern of their paths, and how they are laid out."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from conf.consistency import PLACE_COLUMNS
from conf.errors import SettingsError
from conf.landing import Files
from conf.notation import Column
from jobs.description.profiles import DECIMAL_COMMA
from jobs.description.sampling import names_in
from jobs.description.times import NUMBER, spelling_of
from jobs.landing.discovery import LandingFile, all_files
from jobs.landing.reader import named_errors, rows_of

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 30_000
SNIFFED_BYTES = 1 << 18
SNIFFED_LINES = 50
STRANGE_LINES = 0.01
SPECIAL = frozenset("{}[]*?`")
NO_VALUE = ("\\N", "NULL", "null", "NaN", "nan")
"""Words that programs write for no value, and people for nothing else."""
NO_DATA = (
    ".md",
    ".rst",
    ".yaml",
    ".yml",
    ".toml",
    ".pdf",
    ".html",
    ".py",
    ".ipynb",
    ".zip",
    ".7z",
    ".rar",
    ".tar",
    ".tar.gz",
    ".tgz",
    ".crc",
    ".png",
    ".jpg",
)
PACKED = (".zip", ".7z", ".rar", ".tar", ".tar.gz", ".tgz")
DELIMITERS = ("\t", ";", "|", ",")
DATES = (
    ("%Y-%m-%d", r"(?<!\d)(?:19|20)\d{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    ("%Y_%m_%d", r"(?<!\d)(?:19|20)\d{2}_(?:0[1-9]|1[0-2])_(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    ("%Y/%m/%d", r"(?<!\d)(?:19|20)\d{2}/(?:0[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    ("%Y%m%d", r"(?<!\d)(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"),
)
"""Spellings of a day in a path, the likeliest first."""
SAYS_NOTHING = frozenset(
    {"part", "data", "file", "export", "dt", "date", "year", "month", "day", "hour", "hr", "hh", "ds", "c"}
)
VARYING = re.compile(r"[0-9a-fA-F]{8}[0-9a-fA-F-]{8,}|\d+")


@dataclass(frozen=True)
class FoundFiles:
    """Files that belong together: how to read them, their columns by their own names, and their first rows as text."""

    layout: Files
    files: tuple[LandingFile, ...]
    names: tuple[str, ...]
    rows: pd.DataFrame
    bytes: int

    @property
    def title(self) -> str:
        """A word for the files: the last part of their pattern that says more than a date or `part`."""
        plain = re.sub(r"\{date[^}]*\}", "", self.layout.files).lower()
        for part in reversed(plain.split("/")):
            words = [word for word in re.findall(r"[a-z]+", part.split(".")[0]) if word not in SAYS_NOTHING]
            if words:
                return "_".join(words)
        return "table"


def found_in(data: Path) -> list[FoundFiles]:
    """All groups of files below a folder that can be read as tables, the largest first.

    Raises:
        SettingsError: there is no file, or nothing but JSON lists.
    """
    paths = [path for path in sorted(data.rglob("*")) if path.is_file() and _may_hold_data(path.relative_to(data))]
    if not paths:
        raise SettingsError(
            f"{data} holds no file that could be a log{_packed_in(data)}. Give the folder of the files: --data."
        )
    _require_plain_names(paths, data)
    groups: dict[str, list[str]] = {}
    for path in paths:
        name = path.relative_to(data).as_posix()
        groups.setdefault(VARYING.sub("#", _dated(name)[0]), []).append(name)
    found = []
    for names in groups.values():
        layout = _layout(data / names[0], pattern_of(names))
        if layout is not None:
            found.append(_read(data, layout))
    lists = [path for path in paths if not found and _holds_a_list(path)]
    if lists:
        raise SettingsError(
            f"{lists[0]} holds one JSON list. Write one object a line, for example with `jq -c '.[]'`, and try again."
        )
    return sorted(found, key=lambda files: -files.bytes)


def _require_plain_names(paths: Sequence[Path], data: Path) -> None:
    """Nothing, if each file can be named by a pattern.

    Raises:
        SettingsError: a name holds what means something else in a pattern, or what cannot be seen.
    """
    for path in paths:
        name = path.relative_to(data).as_posix()
        if not name.isprintable() or SPECIAL & {*name}:
            raise SettingsError(f"No description could name the file {name!a}. Rename it, or take it away.")


def _holds_a_list(path: Path) -> bool:
    return _beginning(path).lstrip().startswith(b"[")


def _beginning(path: Path) -> bytes:
    file = LandingFile(path, path.name, None)
    with named_errors(file, "text"), pa.input_stream(str(path), compression="detect") as stream:
        return bytes(stream.read(SNIFFED_BYTES))


def _packed_in(data: Path) -> str:
    """Archives that must be unpacked first, in words."""
    archives = sorted(path.name for path in data.rglob("*") if path.name.lower().endswith(PACKED))
    return f"; unpack {', '.join(archives[:3])} first" if archives else ""


def _may_hold_data(path: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    plain = path.name.lower()
    return not hidden and not plain.endswith(NO_DATA) and not plain.startswith(("readme", "license", "note"))


def _dated(name: str) -> tuple[str, set[str]]:
    """A path with its day as `{date}` (further mentions as `*`), and the days found in it."""
    for spelling, shape in DATES:
        days = re.findall(shape, name)
        if days:
            field = "{date}" if spelling == "%Y-%m-%d" else f"{{date:{spelling}}}"
            marked = re.sub(shape, field, name, count=1)
            return re.sub(shape, "*", marked), set(days)
    return name, set()


def pattern_of(names: Sequence[str]) -> str:
    """One pattern for paths that differ in days and numbers alone. One file by itself is named as it is."""
    if len(names) == 1:
        return names[0]
    dated = [_dated(name) for name in names]
    own_day = all(len(days) == 1 for _, days in dated) and len({day for _, days in dated for day in days}) > 1
    marked = [pattern for pattern, _ in dated] if own_day else list(names)
    if len(set(marked)) > 1:
        parts = [re.split(r"(\{date[^}]*\})", pattern) for pattern in marked]
        marked = ["".join(part if "{" in part else VARYING.sub("*", part) for part in pattern) for pattern in parts]
    return re.sub(r"\*+", "*", marked[0])


def _layout(path: Path, pattern: str) -> Files | None:
    """How a file is laid out, from its first bytes; None for what is no table."""
    start = _beginning(path)
    if start.startswith(b"PAR1"):
        return Files(files=pattern, format="parquet")
    encoding = _encoding_of(start)
    text = start.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace")
    lines = [line for line in text.splitlines()[:SNIFFED_LINES] if line.strip()]
    if not lines:
        return None
    if lines[0].lstrip().startswith("["):
        return None
    if lines[0].lstrip().startswith("{"):
        return Files(files=pattern, format="jsonl", encoding=encoding) if _is_json(lines[0]) else None
    delimiter = _delimiter_of(lines)
    if delimiter is None:
        return None
    rows = list(csv.reader(lines, delimiter=delimiter))
    header = () if _has_header(rows) else tuple(f"column_{number}" for number in range(1, len(rows[0]) + 1))
    cells = [cell for row in rows[1:] for cell in row]
    comma = delimiter != "," and any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    return Files(
        files=pattern,
        format="tsv" if delimiter == "\t" else "csv",
        header=header,
        delimiter="" if delimiter in "\t," else delimiter,
        encoding=encoding,
        decimal="," if comma else ".",
    )


def _encoding_of(start: bytes) -> str:
    """UTF-16 says so itself; where many lines are no UTF-8, it is likely the usual one of western Windows."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    lines = start.split(b"\n")[:-1]
    strange = sum("\ufffd" in line.decode(errors="replace") and b"\xef\xbf\xbd" not in line for line in lines)
    return "cp1252" if strange > STRANGE_LINES * len(lines) else "utf-8"


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _delimiter_of(lines: Sequence[str]) -> str | None:
    """The delimiter that cuts nearly all lines into the same number of fields, and into the most."""
    best, most = None, 1
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter)]
        if widths[0] > most and widths.count(widths[0]) >= 0.9 * len(widths):
            best, most = delimiter, widths[0]
    return best


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: different words, none of them a number or a time."""
    names = [cell.strip() for cell in rows[0]]
    plain = [name for name in names if name]
    if len(set(plain)) != len(plain) or len(plain) < len(names) - 1:
        return False
    return not any(NUMBER.fullmatch(name) or spelling_of([name]) for name in plain)


def _read(data: Path, layout: Files) -> FoundFiles:
    import pandas as pd

    files = all_files(data, layout)
    names = tuple(name for name in names_in(files[0], layout) if _can_be_said(name))
    blocks, left = [], SAMPLE_ROWS
    for block in _blocks(files, layout, names):
        blocks.append(block.slice(0, left).to_pandas())
        left -= block.num_rows
        if left <= 0:
            break
    rows = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=[*names, "_file"])
    good = rows[rows["_reject"].isna()] if "_reject" in rows else rows
    words = tuple(word for word in NO_VALUE if (good[list(names)] == word).any(axis=None))
    layout, good = layout.model_copy(update={"missing": words}), good.replace(dict.fromkeys(words))
    size = sum(file.path.stat().st_size for file in files)
    return FoundFiles(layout, tuple(files), names, good.reset_index(drop=True), size)


def _can_be_said(name: str) -> bool:
    """Whether a description could name a column."""
    try:
        TypeAdapter(Column).validate_python(name)
    except ValidationError:
        return False
    return name not in PLACE_COLUMNS


def _blocks(files: Sequence[LandingFile], layout: Files, names: Sequence[str]) -> Iterator[pa.Table]:
    for file in files:
        yield from rows_of(file, layout, names)
