"""Which code is running: the package's version, and the commit where it runs from a checkout."""

from __future__ import annotations

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
PACKAGE = "ctr-pipeline"
SECONDS = 10


def code_version(folder: Path = PROJECT_FOLDER) -> str:
    """Such as `0.1.0+g` and the commit, with `.changed` where files differ from it; `0.1.0` where there is none.

    A repository counts only if its root is the project's folder: an environment may lie within another repository.
    """
    try:
        package = version(PACKAGE)
    except PackageNotFoundError:  # run from a folder of files that was never installed
        package = "unversioned"
    if not (folder / ".git").exists():
        return package
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return package
    changed = ".changed" if _git(folder, "status", "--porcelain", "--untracked-files=no") else ""
    return f"{package}+g{commit}{changed}"


def _git(folder: Path, *arguments: str) -> str:
    """What git answers; nothing where it is missing or fails."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
