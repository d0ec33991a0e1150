"""The files that a table is made of, and their rows as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.fs import FileSystem
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import Table


def files_of(table: Table) -> Iterator[str]:
    """Every file that the snapshots of a table are made of, each once: current metadata, manifests, data."""
    yield table.metadata_location
    seen: set[str] = set()
    for snapshot in table.snapshots():
        if snapshot.manifest_list in seen:
            continue
        seen.add(snapshot.manifest_list)
        yield snapshot.manifest_list
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            yield manifest.manifest_path
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                path = entry.data_file.file_path
                if path not in seen:
                    seen.add(path)
                    yield path


def filesystem_of(table: Table) -> tuple[FileSystem, str]:
    """The file system that a table's files lie in, and what its paths begin with that the file system leaves away."""
    from pyarrow import fs
    from pyiceberg.io.pyarrow import PyArrowFileIO

    location = table.location()
    if isinstance(table.io, PyArrowFileIO):
        scheme, netloc, path = table.io.parse_location(location, table.io.properties)
        return table.io.fs_by_scheme(scheme, netloc), location.removesuffix(path)
    filesystem, path = fs.FileSystem.from_uri(location)
    return filesystem, location.removesuffix(path)


def scanned(
    table: Table, where: BooleanExpression, columns: Sequence[str], types: Mapping[str, pa.DataType]
) -> pa.Table:
    """The chosen rows of the latest snapshot. `columns` are names, or `*` for all that the table has.

    A column that a file lacks is null in its rows. All files are read at once: where they are many and small, that
    costs half of a scan that opens each alone.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.expressions.visitors import bind
    from pyiceberg.io.pyarrow import expression_to_pyarrow, schema_to_pyarrow

    schema = table.schema()
    own = schema_to_pyarrow(schema, include_field_ids=False)
    full = pa.schema([(name, types.get(name, own.field(name).type)) for name in own.names])
    wanted = list(own.names) if "*" in columns else [name for name in own.names if name in columns]
    tasks = list(table.scan(row_filter=where).plan_files())
    if not tasks:
        return pa.schema([full.field(name) for name in wanted]).empty_table()
    filesystem, prefix = filesystem_of(table)
    files = [task.file.file_path.removeprefix(prefix) for task in tasks]
    whole = all(task.residual == AlwaysTrue() for task in tasks)
    chosen = None if whole else expression_to_pyarrow(bind(schema, where, case_sensitive=True), schema)
    found = ds.dataset(files, schema=full, format="parquet", filesystem=filesystem)
    return found.to_table(columns=wanted, filter=chosen)
