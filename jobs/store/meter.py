"""How much a process reads from and writes to the tables."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Meter:
    """What has gone through a store since the last reset.

    Rows are those of the files that a snapshot named to the engine, each file once, by the catalog's own counts: what
    a filter leaves out inside a file, and a file that is read twice, do not show. Bytes are those of committed files.
    """

    bytes_written: int = 0
    _read: dict[str, int] = field(default_factory=dict)

    @property
    def rows_read(self) -> int:
        """Rows of all files read."""
        return sum(self._read.values())

    def reads(self, file: str, rows: int) -> None:
        """Note a file that is read."""
        self._read[file] = rows

    def writes(self, size: int) -> None:
        """Note bytes that were committed."""
        self.bytes_written += size

    def reset(self) -> None:
        """Begin anew."""
        self.bytes_written = 0
        self._read.clear()
