"""Orphans: files in a table's folder that neither its metadata nor any of its snapshots names.

A file is removed once two passes found it an orphan, so many hours apart, and it is as old itself. So a file is safe
that a night has written and not yet committed, however long the night runs; one that is still being read though its
snapshot was forgotten a moment ago; and all of them where the clock of the files is another than this machine's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conf.whole_files import write_whole
from jobs.store.table_files import files_of, filesystem_of

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem
    from pyiceberg.table import Table

HOUR = 3_600.0


@dataclass(frozen=True)
class Swept:
    """What a pass over a table did: files removed, and orphans that wait, with the moment they were first seen."""

    removed: int
    waiting: Mapping[str, float]


def sweep(load: Callable[[], Table], seen: Mapping[str, float], hours: float, now: float) -> Swept:
    """Remove the orphans of a table that are due. `seen` is what earlier passes left waiting; `now` in epoch seconds.

    Where any of the table's metadata cannot be read, nothing is removed: the error is passed on.
    """
    table = load()
    filesystem, prefix = filesystem_of(table)
    location = table.location().removeprefix(prefix)
    present = _listed(filesystem, location)  # before the names are read: what is committed meanwhile is named
    named = _named(load())
    orphans = {f"{prefix}{info.path}": info for info in present if info.is_file and f"{prefix}{info.path}" not in named}
    due = [path for path, info in orphans.items() if _is_due(info, seen.get(path, now), hours * HOUR, now)]
    for path in due:
        filesystem.delete_file(orphans[path].path)
    if location.startswith("/"):
        _remove_empty_folders(present, hours * HOUR, now)
    gone = set(due)
    return Swept(len(due), {path: seen.get(path, now) for path in orphans if path not in gone})


def _listed(filesystem: FileSystem, location: str) -> list[FileInfo]:
    from pyarrow import fs

    return list(filesystem.get_file_info(fs.FileSelector(location, recursive=True, allow_not_found=True)))


def _named(table: Table) -> set[str]:
    return {*files_of(table), *(entry.metadata_file for entry in table.metadata.metadata_log)}


def _is_due(info: FileInfo, first_seen: float, grace: float, now: float) -> bool:
    return now - first_seen >= grace and now - float(info.mtime_ns) / 1e9 >= grace


def _remove_empty_folders(present: list[FileInfo], grace: float, now: float) -> None:
    """Folders of a local warehouse that hold nothing and are old; a folder that holds something refuses to go."""
    folders = [info.path for info in present if not info.is_file and now - float(info.mtime_ns) / 1e9 >= grace]
    for folder in sorted(folders, key=len, reverse=True):
        if not folder.endswith(("/data", "/metadata")):
            try:
                Path(folder).rmdir()
            except OSError:
                continue


def remembered(file: Path) -> dict[str, dict[str, float]]:
    """Orphans that wait, by table. Losing them costs a further wait, nothing else."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {table: {path: float(since) for path, since in paths.items()} for table, paths in content.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def remember(file: Path, waiting: Mapping[str, Mapping[str, float]]) -> None:
    """Keep the orphans that wait, in place of what was kept."""
    write_whole(file, json.dumps(waiting))
