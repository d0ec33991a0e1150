"""Maintain: what the home holds stays bounded; nothing that a model, a rollback or a night to come needs is touched."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

from conf.errors import NotReady
from jobs.monitor import EVIDENTLY_PAGE
from jobs.store.commits import attempts_after_conflicts, forget
from jobs.upkeep.compaction import MEGABYTE, Compacted, compact
from jobs.upkeep.leftovers import (
    forget_digests,
    remove_old_logs,
    remove_old_scratch,
    remove_old_verdicts,
    remove_unused_staged,
)
from jobs.upkeep.old_models import remove_old_models
from jobs.upkeep.orphans import remember, remembered, sweep
from jobs.upkeep.retention import expire_days
from jobs.workspace import Workspace


def maintain(workspace: Workspace, now: float | None = None) -> dict[str, object]:
    """Remove what nothing needs any more, and join small files; returns how much of it there was.

    `now` is the time that ages are counted from, in epoch seconds. First days and models go, then files are joined,
    then snapshots are forgotten, and last the files that none of these names any more, as far as they are due.

    Raises:
        NotReady: another maintenance of the home is running.
    """
    with _alone(workspace):
        return _maintained(workspace, time.time() if now is None else now)


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """One pass over a home at a time. Nights need not wait for it, nor it for them."""
    from filelock import FileLock, Timeout

    workspace.home.path.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(workspace.home.maintenance_lock, timeout=0):
            yield
    except Timeout as error:
        raise NotReady(
            f"Maintenance of {workspace.home.path} is running already. Let it end; it does what this one would do."
        ) from error


def _maintained(workspace: Workspace, now: float) -> dict[str, object]:
    models = remove_old_models(workspace)
    retained = expire_days(workspace)
    compacted = compact_tables(workspace)
    return {
        "models_removed": models,
        **retained,
        "small_files_joined": compacted.before,
        "files_they_became": compacted.after,
        "manifests_merged_away": compacted.manifests,
        "snapshots_expired": sum(expire_snapshots(workspace, name, now) for name in workspace.store.made()),
        **sweep_tables(workspace, now),
        "digests_forgotten": forget_digests(workspace),
        "report_folders_removed": remove_old_reports(workspace),
        "evidently_pages_removed": thin_reports(workspace),
        "staged_copies_removed": remove_unused_staged(workspace, now),
        "logs_removed": remove_old_logs(workspace, now),
        "scratch_folders_removed": remove_old_scratch(workspace, now),
    }


def compact_tables(workspace: Workspace) -> Compacted:
    """Join the small files and manifests of all tables."""
    settings, store = workspace.settings.maintenance, workspace.store
    small = settings.small_file_mb * MEGABYTE
    done = [compact(store, name, settings.compact_files, small) for name in store.made()]
    return Compacted(
        *(sum(part) for part in zip(*((one.before, one.after, one.manifests) for one in done), strict=True))
    )


def sweep_tables(workspace: Workspace, now: float) -> dict[str, int]:
    """Remove the orphans of all tables that are due, and remember those that are not."""
    seen = remembered(workspace.home.orphans)
    hours, namespace = workspace.settings.maintenance.orphan_hours, workspace.store.namespace
    removed, waiting = 0, dict(seen)
    for name in workspace.store.made():
        key = f"{namespace}.{name}"
        swept = sweep(partial(workspace.store.table, name), seen.get(key, {}), hours, now)
        removed += swept.removed
        waiting[key] = dict(swept.waiting)
    remember(workspace.home.orphans, waiting)
    return {"orphan_files_removed": removed, "orphan_files_waiting": sum(map(len, waiting.values()))}


def expire_snapshots(workspace: Workspace, name: str, now: float) -> int:
    """Forget old snapshots of a table, but never the latest one or one that a model was trained on."""
    oldest = (now - workspace.settings.maintenance.keep_snapshots_days * 86_400) * 1_000
    for attempt in attempts_after_conflicts():
        with attempt:
            table = workspace.store.table(name)
            latest = table.current_snapshot()
            kept = workspace.store.needed_snapshots(name) | ({latest.snapshot_id} if latest else set())
            aged = [one.snapshot_id for one in table.snapshots() if one.timestamp_ms < oldest]
            old = [snapshot for snapshot in aged if snapshot not in kept]
            forget(table, old)
    return len(old)


def remove_old_reports(workspace: Workspace) -> int:
    """Delete the pages of nights that lie further back than the retention, counted from the latest night."""
    keep_days = workspace.settings.monitoring.keep_reports_days
    old = _older_nights(workspace, keep_days)
    remove_old_verdicts(workspace, _oldest_kept(workspace, keep_days).isoformat())
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
    rewrite_night_pages(workspace, thinned)
    for night in thinned:  # last: whoever is stopped before finds them again
        (older[night] / EVIDENTLY_PAGE).unlink()
    return len(thinned)


def _older_nights(workspace: Workspace, keep_days: int) -> dict[date, Path]:
    """The report folders of nights more than `keep_days` days before the latest one."""
    oldest = _oldest_kept(workspace, keep_days)
    return {day: folder for day, folder in _nights(workspace).items() if day < oldest}


def _oldest_kept(workspace: Workspace, keep_days: int) -> date:
    """The first of the days that are kept, counted from the latest night with a page."""
    return max(_nights(workspace), default=date.min + timedelta(days=keep_days)) - timedelta(days=keep_days)


def _nights(workspace: Workspace) -> dict[date, Path]:
    return {day: folder for folder in workspace.reports.glob("????-??-??") if (day := _day_of(folder.name))}


def _day_of(name: str) -> date | None:
    try:
        return datetime.strptime(name, "%Y-%m-%d").date()
    except ValueError:
        return None
