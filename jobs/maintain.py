"""Maintain: expire old snapshots, remove files of no snapshot, old reports and forgotten scratch folders."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.monitor import EVIDENTLY_PAGE
from jobs.store.commits import forget
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from pyiceberg.table import Table


def maintain(workspace: Workspace) -> dict[str, object]:
    """Remove what nothing needs any more; returns how much of it there was.

    A snapshot is kept while it is young, the latest of its table, or one that a model was trained on.
    """
    snapshots, files = 0, 0
    for name in workspace.store.specs:
        if workspace.store.exists(name):
            table = workspace.store.table(name)
            snapshots += expire_snapshots(
                table,
                workspace.settings.maintenance.keep_snapshots_days,
                workspace.store.needed_snapshots(name),
            )
            files += remove_orphans(workspace.store.table(name), workspace.settings.maintenance.orphan_hours)
    return {
        "snapshots_expired": snapshots,
        "orphan_files_removed": files,
        "report_folders_removed": remove_old_reports(workspace),
        "evidently_pages_removed": thin_reports(workspace),
        "scratch_folders_removed": remove_old_scratch(workspace),
    }


def expire_snapshots(table: Table, keep_days: int, needed: set[int]) -> int:
    """Forget snapshots older than `keep_days` days, but never the latest one or a needed one."""
    latest = table.current_snapshot()
    if latest is None:
        return 0
    oldest = (time.time() - keep_days * 86_400) * 1_000
    kept = needed | {latest.snapshot_id}
    old = [one.snapshot_id for one in table.snapshots() if one.timestamp_ms < oldest and one.snapshot_id not in kept]
    forget(table, old)
    return len(old)


def remove_orphans(table: Table, hours: int) -> int:
    """Delete data files of a table in the local warehouse that no snapshot names and that are old enough to be no
    night's work under way."""
    location = table.location()
    if not location.startswith("file://"):
        return 0
    named = {row.removeprefix("file://") for row in table.inspect.all_files().column("file_path").to_pylist()}
    youngest = time.time() - hours * 3_600
    removed = 0
    for file in _data_files(Path(location.removeprefix("file://")) / "data"):
        if str(file) not in named and file.stat().st_mtime < youngest:
            file.unlink()
            removed += 1
    return removed


def _data_files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())


def remove_old_reports(workspace: Workspace) -> int:
    """Delete the pages of nights that lie further back than the retention, counted from the latest night."""
    old = _older_nights(workspace, workspace.settings.monitoring.keep_reports_days)
    for folder in old.values():
        shutil.rmtree(folder)
    return len(old)


def thin_reports(workspace: Workspace) -> int:
    """Delete Evidently's own pages of nights further back than their retention; what they measured stays.

    The nights' pages are written anew without the link.
    """
    from jobs.report import rewrite_night_pages

    older = _older_nights(workspace, workspace.settings.monitoring.keep_evidently_days)
    thinned = [night for night, folder in older.items() if (folder / EVIDENTLY_PAGE).exists()]
    for night in thinned:
        (older[night] / EVIDENTLY_PAGE).unlink()
    rewrite_night_pages(workspace, thinned)
    return len(thinned)


def _older_nights(workspace: Workspace, keep_days: int) -> dict[date, Path]:
    """The report folders of nights more than `keep_days` days before the latest one."""
    nights = {day: folder for folder in workspace.reports.glob("????-??-??") if (day := _day_of(folder.name))}
    oldest = max(nights, default=date.min + timedelta(days=keep_days)) - timedelta(days=keep_days)
    return {day: folder for day, folder in nights.items() if day < oldest}


def _day_of(name: str) -> date | None:
    try:
        return datetime.strptime(name, "%Y-%m-%d").date()
    except ValueError:
        return None


def remove_old_scratch(workspace: Workspace) -> int:
    """Delete scratch folders that a killed step left behind."""
    youngest = time.time() - workspace.settings.maintenance.orphan_hours * 3_600
    old = [folder for folder in workspace.home.scratch.glob("*") if folder.stat().st_mtime < youngest]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)
