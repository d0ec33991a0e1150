"""Java is looked for where Spark's own scripts look, and its version is checked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conf.errors import SettingsError
from jobs.store.java import require_java


def fake_java(home: Path, says: str, status: int = 0) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit {status}\n")
    java.chmod(0o755)
    return java


@pytest.mark.parametrize("version", ["17.0.15", "21", "25.0.1"])
def test_a_java_that_spark_runs_on_is_taken(tmp_path, version):
    java = fake_java(tmp_path, f'openjdk version "{version}" 2025-04-15')
    assert require_java({"JAVA_HOME": str(tmp_path)}) == java


@pytest.mark.parametrize(("version", "major"), [("1.8.0_392", 8), ("11.0.2", 11), ("18", 18), ("24.0.1", 24)])
def test_another_java_is_refused_by_its_version(tmp_path, version, major):
    fake_java(tmp_path, f'java version "{version}"')
    with pytest.raises(SettingsError, match=rf"is Java {major}\. Install Java 17, 21 or 25"):
        require_java({"JAVA_HOME": str(tmp_path)})


def test_java_home_goes_before_the_path(tmp_path):
    fake_java(tmp_path / "old", 'java version "1.8.0_392"')
    fake_java(tmp_path / "new", 'openjdk version "21.0.1"')
    with pytest.raises(SettingsError, match="Java 8"):
        require_java({"JAVA_HOME": str(tmp_path / "old"), "PATH": str(tmp_path / "new" / "bin")})


def test_the_path_is_searched_without_java_home(tmp_path):
    java = fake_java(tmp_path, 'openjdk version "21.0.1"')
    assert require_java({"PATH": f"/nowhere:{tmp_path / 'bin'}"}) == java


def test_a_java_home_without_java_is_named(tmp_path):
    with pytest.raises(SettingsError, match=rf"JAVA_HOME is {tmp_path}, which holds no bin/java"):
        require_java({"JAVA_HOME": str(tmp_path)})


def test_a_java_that_fails_is_told_apart_from_a_wrong_one(tmp_path):
    fake_java(tmp_path, "Error occurred during initialization of VM", status=1)
    with pytest.raises(SettingsError, match="does not run"):
        require_java({"JAVA_HOME": str(tmp_path)})


def test_a_java_that_tells_no_version_is_refused(tmp_path):
    fake_java(tmp_path, "hello")
    with pytest.raises(SettingsError, match="does not tell its version: 'hello"):
        require_java({"JAVA_HOME": str(tmp_path)})


def test_the_command_line_explains_what_to_do_without_java(tmp_path):
    command = [sys.executable, "-m", "jobs.cli", "features", "--date", "2026-01-01", "--home", str(tmp_path)]
    told = subprocess.run(
        [*command, "--env", "spark"], capture_output=True, text=True, timeout=120, env={"PATH": str(tmp_path)}
    )
    assert told.returncode == SettingsError.exit_code
    assert "there is no `java` in JAVA_HOME or on the PATH" in " ".join(told.stderr.split())
    assert "Traceback" not in told.stderr
