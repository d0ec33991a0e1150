"""Files that are whole or not there: whoever reads one, or is killed while writing it, never meets a part of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
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
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_whole(file: Path, text: str) -> Path:
    """Write text in place of a file, and return the file."""
    with in_place_of(file) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return file
