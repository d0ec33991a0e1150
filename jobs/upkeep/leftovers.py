"""Leftovers in the home: scratch folders, error reports, logs, staged copies nobody reads, digests of files gone."""

from __future__ import annotations

import shutil
from pathlib import Path

from jobs.workspace import Workspace

DAY = 86_400.0
LOGS = ("service_logs", "logs")
"""Folders of Airflow: what its services wrote, and what its tasks did."""


def remove_old_scratch(workspace: Workspace, now: float) -> int:
    """Delete scratch folders that a killed step left behind."""
    youngest = now - workspace.settings.maintenance.orphan_hours * 3_600
    return _removed([folder for folder in workspace.home.scratch.glob("*") if _newest(folder) < youngest])


def remove_old_logs(workspace: Workspace, now: float) -> int:
    """Delete error reports and logs of the services that are older than the retention."""
    youngest = now - workspace.settings.maintenance.keep_logs_days * DAY
    folders = [workspace.home.errors, *(workspace.home.airflow / logs for logs in LOGS)]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    return _removed([file for file in files if file.stat().st_mtime < youngest])


def remove_unused_staged(workspace: Workspace, now: float) -> int:
    """Delete staged copies of whole logs that no night has looked at for as long; what is missing is read again."""
    youngest = now - workspace.settings.maintenance.keep_logs_days * DAY
    folders = [folder for folder in workspace.home.staged.glob("*/*") if folder.is_dir()]
    return _removed([folder for folder in folders if _newest(folder) < youngest])


def remove_old_verdicts(workspace: Workspace, oldest: str) -> int:
    """Delete the data gate's verdicts on nights before a day, as ISO text: their pages go too."""
    return _removed([file for file in (workspace.reports / "feed").glob("????-??-??.json") if file.stem < oldest])


def forget_digests(workspace: Workspace) -> int:
    """Forget digests of files that no table shows any more; returns how many.

    A home of several data sets keeps them: a digest does not tell which it belongs to.
    """
    if len(workspace.store.catalog.list_namespaces()) > 1:
        return 0
    return workspace.contents.forget_gone()


def _newest(path: Path) -> float:
    """The latest change of a file, or of a folder and what lies right in it: a lock that is taken counts as one."""
    try:
        inside = path.iterdir() if path.is_dir() else ()
        return max(one.stat().st_mtime for one in (path, *inside))
    except OSError:  # it went away meanwhile
        return float("inf")


def _removed(paths: list[Path]) -> int:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return len(paths)
