"""A snapshot in which new files stand in the place of old ones, as short a list of manifests as can be."""

from __future__ import annotations

from pyiceberg.manifest import ManifestFile
from pyiceberg.table import Transaction
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _OverwriteFiles


class Overwrite(_OverwriteFiles):
    """PyIceberg's own overwrite, without the manifests that tell of nothing but what earlier snapshots took away.

    PyIceberg carries those on for good, as the Java library does not: a table of records, which every step of a night
    commits to, had 186 of them for three files, and whoever plans a read opens them all.
    """

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(operation=Operation.OVERWRITE, transaction=transaction, io=transaction._table.io)

    def _process_manifests(self, manifests: list[ManifestFile]) -> list[ManifestFile]:
        return [
            manifest
            for manifest in manifests
            if manifest.has_added_files()
            or manifest.has_existing_files()
            or manifest.added_snapshot_id == self._snapshot_id
        ]
