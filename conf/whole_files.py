"""Files that are whole or not there: whoever reads one, or is killed while writing it, never meets a part of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import EINVAL
from pathlib import Path


@contextmanager
def in_place_of(file: Path) -> Iterator[Path]:
    """A path beside a file to write to; what stands there in the end takes the file's place at one moment.

    A process that is killed leaves the path behind, under a name that begins with a dot and ends with its number.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)  # a killed process may have had this number, and a database is added to
    try:
        yield unfinished
        if unfinished.is_file():
            force_to_disk([unfinished])
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def force_to_disk(files: Iterable[Path], folders_above: int = 1) -> None:
    """Wait until files, and their names in so many folders above them, would be there after the power has gone."""
    files = list(files)
    for file in files:
        _force(file)
    for folder in {folder for file in files for folder in list(file.parents)[:folders_above]}:
        try:
            _force(folder)
        except OSError as error:
            if error.errno != EINVAL:  # the file system keeps names by itself
                raise


def _force(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(file: Path, text: str) -> Path:
    """Write text in place of a file, and return the file."""
    with in_place_of(file) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return file
