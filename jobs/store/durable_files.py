"""Files that are on the disk before a commit names them: what was committed is there after the power has gone.

SQLite sees to the catalog itself; object storage has what it has acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from conf.whole_files import force_to_disk
from jobs.store.addresses import local_path

if TYPE_CHECKING:
    from pyiceberg.io import OutputStream

FOLDERS_OF_A_WRITE = 3
"""The engine makes a folder for each write and one in it for each partition, below the table's own."""


def forced(files: Sequence[str]) -> None:
    """Force files of a table that lie on this machine to disk, with the folders that were made for them."""
    force_to_disk((Path(path) for file in files if (path := local_path(file))), FOLDERS_OF_A_WRITE)


class DurableFileIO(PyArrowFileIO):
    """Reads and writes a table's files; those written to this machine are on its disk when they are closed."""

    def new_output(self, location: str) -> PyArrowFile:
        """A file to be written."""
        found = super().new_output(location)
        return _DurableFile(location, found._path, found._filesystem, found._buffer_size)


class _DurableFile(PyArrowFile):
    def create(self, overwrite: bool = False) -> OutputStream:
        stream, path = super().create(overwrite), local_path(self.location)
        return _Forced(stream, Path(path)) if path else stream


class _Forced:
    """A stream whose file is forced to disk when it is closed."""

    def __init__(self, stream: OutputStream, path: Path) -> None:
        self.stream, self.path, self.closed = stream, path, False

    def write(self, piece: bytes) -> int:
        return self.stream.write(piece)

    def tell(self) -> int:
        return self.stream.tell()

    def close(self) -> None:
        if not self.closed:
            self.stream.close()
            self.closed = True
            force_to_disk([self.path])

    def __enter__(self) -> _Forced:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
