from __future__ import annotations

import re
import subprocess
from pathlib import Path

from jobs.code_version import code_version


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, "-C", str(folder), *arguments], check=True, capture_output=True)


def test_a_checkout_is_named_by_its_commit_and_says_where_files_differ_from_it(tmp_path):
    (tmp_path / "file").write_text("one")
    for arguments in (["init"], ["add", "."], ["commit", "-m", "first"]):
        git(tmp_path, *arguments)
    assert re.fullmatch(r"[\w.]+\+g[0-9a-f]{40}", code_version(tmp_path))
    (tmp_path / "file").write_text("two")
    assert code_version(tmp_path).endswith(".changed")


def test_a_folder_inside_somebody_elses_repository_has_the_packages_version_alone(tmp_path):
    git(tmp_path, "init")
    inside = tmp_path / "site-packages"
    inside.mkdir()
    assert "+g" not in code_version(inside)


def test_a_repository_without_a_commit_has_the_packages_version_alone(tmp_path):
    git(tmp_path, "init")
    assert "+g" not in code_version(tmp_path)
