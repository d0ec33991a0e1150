"""The archive: a tar file of plain files, and last of all the list of them with their checksums."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from conf.errors import StoreError
from conf.whole_files import in_place_of

CONTENTS = "CONTENTS.json"
FORMAT = 1
BLOCK = 1 << 20
PARTS = ("tables", "mlflow", "models", "reports", "landing", "truth", "descriptions", "settings.yaml")
"""What an archive may hold at its top."""


@dataclass
class ArchiveWriter:
    """Adds files to an archive and remembers their sizes and SHA-256 digests."""

    tar: tarfile.TarFile
    files: dict[str, list[int | str]] = field(default_factory=dict)

    def add(self, name: str, stream: IO[bytes], size: int) -> None:
        """Add so many bytes of a stream under a name."""
        counted = _Digesting(stream)
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o644
        self.tar.addfile(entry, counted)
        self.files[name] = [size, counted.digest.hexdigest()]

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a small file."""
        self.add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, file: Path) -> None:
        """Add a file of this machine."""
        with file.open("rb") as stream:
            self.add(name, stream, os.fstat(stream.fileno()).st_size)

    def add_folder(self, name: str, folder: Path) -> None:
        """Add all files below a folder; nothing where it is missing."""
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.is_symlink():
                self.add_file(f"{name}/{file.relative_to(folder).as_posix()}", file)


class _Digesting:
    """A stream that remembers the digest of what was read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(size)
        self.digest.update(block)
        return block


@contextmanager
def new_archive(path: Path, facts: dict[str, Any]) -> Iterator[ArchiveWriter]:
    """Write an archive, whole or not at all. `facts` may be filled until the end; they are kept with the list of files.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        with in_place_of(path) as unfinished:
            with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar:
                writer = ArchiveWriter(tar)
                yield writer
                content = json.dumps({"format": FORMAT, **facts, "files": writer.files}, indent=1).encode()
                facts["digest"] = hashlib.sha256(content).hexdigest()
                writer.add_bytes(CONTENTS, content)
            with unfinished.open("rb") as stream:
                os.fsync(stream.fileno())
    except OSError as error:
        raise StoreError(f"The archive {path} cannot be written: {error}. Nothing is left of it.") from error


def unpacked(path: Path, folder: Path, digest: str = "") -> dict[str, Any]:
    """Unpack an archive into an empty folder; returns what is kept with it, once every file was found to be as listed.

    `digest` is what the export told: only with it an archive that somebody changed on purpose is noticed too.

    Raises:
        StoreError: the archive is not one of ours, is not whole, or holds something else than it lists.
    """
    found, contents = {}, b""
    try:
        with tarfile.open(path, "r:") as tar:
            for entry in tar:
                if not entry.isreg() or not _is_safe(entry.name):
                    raise StoreError(f"{path}: `{entry.name}` has no place in an archive of a home. {_AGAIN}")
                stream = tar.extractfile(entry)
                assert stream is not None
                if entry.name == CONTENTS:
                    contents = stream.read()
                else:
                    found[entry.name] = _written(stream, folder / entry.name)
    except (tarfile.TarError, EOFError) as error:
        raise StoreError(f"{path} is no archive of a home, or not all of one: {error}. {_AGAIN}") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be unpacked into {folder}: {error}.") from error
    return _checked(path, contents, found, digest)


_AGAIN = "Copy it again from where `ctr export` wrote it; nothing was imported."


def _is_safe(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return name == CONTENTS or (bool(parts) and parts[0] in PARTS and ".." not in parts and "\0" not in name)


def _written(stream: IO[bytes], file: Path) -> list[int | str]:
    file.parent.mkdir(parents=True, exist_ok=True)
    digesting = _Digesting(stream)
    with file.open("xb") as target:
        shutil.copyfileobj(digesting, target, BLOCK)
        size = target.tell()
    return [size, digesting.digest.hexdigest()]


def _checked(path: Path, contents: bytes, found: Mapping[str, list[int | str]], digest: str) -> dict[str, Any]:
    if not contents:
        raise StoreError(f"{path} is not whole: its list of files is missing. {_AGAIN}")
    if digest and hashlib.sha256(contents).hexdigest() != digest:
        raise StoreError(f"{path} is another archive than the one with the digest {digest}. {_AGAIN}")
    try:
        told = json.loads(contents)
        form, listed = told["format"], dict(told["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: its list of files cannot be read ({error!r}). {_AGAIN}") from error
    if form != FORMAT:
        raise StoreError(f"{path} has format {form}, and this code reads {FORMAT}. Import it with the code it is from.")
    wrong = sorted(name for name in {*found, *listed} if found.get(name) != listed.get(name))
    if wrong:
        what = "is missing" if wrong[0] not in found else "is not what was exported"
        raise StoreError(
            f"{path} was changed or damaged: `{wrong[0]}` {what} ({len(wrong)} of {len(listed)}). {_AGAIN}"
        )
    return dict(told)
