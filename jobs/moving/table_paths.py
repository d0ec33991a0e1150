"""Paths inside a table's metadata. Iceberg keeps them whole: a table that moves needs them written anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.errors import StoreError

if TYPE_CHECKING:
    from pyiceberg.io import FileIO

DELETED = 2
"""Status of a manifest's entry whose file belongs to earlier snapshots alone."""


def inside(path: str, location: str) -> str:
    """A path relative to its table's folder.

    Raises:
        StoreError: it lies elsewhere.
    """
    if not path.startswith(f"{location}/"):
        raise StoreError(
            f"{path} belongs to the table in {location} and does not lie there; it cannot be moved with it."
        )
    return path.removeprefix(f"{location}/")


@dataclass(frozen=True)
class Relocation:
    """A table's files that lie in `folder` now, were written in `old`, and are to be found as `new` later.

    `old` and `new` are the table's locations, with scheme.
    """

    folder: Path
    old: str
    new: str

    def relocate(self, metadata_name: str) -> None:
        """Write all metadata anew with the new paths.

        Raises:
            StoreError: a file that the metadata name is missing or has another size.
        """
        file = self.folder / metadata_name
        metadata = json.loads(file.read_text(encoding="utf-8"))
        for snapshot in metadata["snapshots"]:
            snapshot["manifest-list"] = self._moved(snapshot["manifest-list"])
        metadata["location"] = self.new
        metadata["metadata-log"] = []  # earlier metadata files are left behind
        lists = sorted({inside(snapshot["manifest-list"], self.new) for snapshot in metadata["snapshots"]})
        sizes: dict[str, int] = {}
        for name in lists:
            self._rewrite_list(name, sizes)
        file.write_text(json.dumps(metadata), encoding="utf-8")

    def _moved(self, path: str) -> str:
        return f"{self.new}/{inside(path, self.old)}"

    def _rewrite_list(self, name: str, sizes: dict[str, int]) -> None:
        """Manifest lists name manifests with their lengths, so these are written first, each once."""
        records, meta, schema = _read(self.folder / name)
        places = {field.name: place for place, field in enumerate(schema.fields)}
        for record in records:
            old = record[places["manifest_path"]]
            manifest = inside(old, self.old)
            if manifest not in sizes:
                sizes[manifest] = self._rewrite_manifest(manifest)
            record[places["manifest_path"]] = self._moved(old)
            record[places["manifest_length"]] = sizes[manifest]
        _write(self.folder / name, records, meta, schema, "manifest_file")

    def _rewrite_manifest(self, name: str) -> int:
        records, meta, schema = _read(self.folder / name)
        places = {field.name: place for place, field in enumerate(schema.fields)}
        data = schema.find_field("data_file").field_type
        inner = {field.name: place for place, field in enumerate(data.fields)}
        for record in records:
            file = record[places["data_file"]]
            path = file[inner["file_path"]]
            if record[places["status"]] != DELETED:
                self._require(inside(path, self.old), file[inner["file_size_in_bytes"]])
            file[inner["file_path"]] = self._moved(path)
        return _write(self.folder / name, records, meta, schema, "manifest_entry")

    def _require(self, name: str, size: int) -> None:
        file = self.folder / name
        if not file.is_file() or file.stat().st_size != size:
            raise StoreError(f"The table of {self.old} is not whole: `{name}` is missing or has another size.")


def _io() -> FileIO:
    from pyiceberg.io.pyarrow import PyArrowFileIO

    return PyArrowFileIO()


def _read(file: Path) -> tuple[list[Any], dict[str, str], Any]:
    """Records of an Avro file, its own keys and values, and its schema."""
    from pyiceberg.avro.file import AvroFile

    with AvroFile[Any](_io().new_input(file.as_uri())) as avro:
        records = list(avro)
        meta = {key: value for key, value in avro.header.meta.items() if not key.startswith("avro.")}
        return records, meta, avro.schema


def _write(file: Path, records: list[Any], meta: dict[str, str], schema: Any, name: str) -> int:
    """Write an Avro file in place of another; returns its size in bytes."""
    from pyiceberg.avro.file import AvroOutputFile

    with AvroOutputFile[Any](_io().new_output(file.as_uri()), schema, name, metadata=meta) as avro:
        avro.write_block(records)
    return file.stat().st_size
