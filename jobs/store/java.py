"""Java, without which Apache Spark does not start: where it is, and whether its version is one that Spark runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from conf.errors import SettingsError

SUPPORTED = (17, 21, 25)
"""Major versions that Apache Spark runs on."""

WAYS_OUT = (
    "Install Java 17, 21 or 25 (Debian: `apt install openjdk-17-jre-headless`) and let JAVA_HOME or the PATH name it, "
    "or set engine.kind to `embedded`, which needs none."
)


def require_java(variables: Mapping[str, str] = os.environ) -> Path:
    """The `java` that Spark's own scripts will start: the one in JAVA_HOME, else the one on the PATH.

    Raises:
        SettingsError: there is none, it does not run, or its version is not supported.
    """
    java = _found(variables)
    version = _major_version(java)
    if version not in SUPPORTED:
        raise SettingsError(f"engine.kind is `spark`, and {java} is Java {version}. {WAYS_OUT}")
    return java


def _found(variables: Mapping[str, str]) -> Path:
    home = variables.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        if not os.access(java, os.X_OK):
            raise SettingsError(f"engine.kind is `spark`, and JAVA_HOME is {home}, which holds no bin/java. {WAYS_OUT}")
        return java
    found = shutil.which("java", path=variables.get("PATH", ""))
    if found is None:
        raise SettingsError(f"engine.kind is `spark`, and there is no `java` in JAVA_HOME or on the PATH. {WAYS_OUT}")
    return Path(found)


def _major_version(java: Path) -> int:
    """17 of `openjdk version "17.0.15"`, 8 of `java version "1.8.0_392"`."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError) as error:
        raise SettingsError(f"engine.kind is `spark`, and {java} does not run: {error}. {WAYS_OUT}") from error
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    if version is None:
        raise SettingsError(f"engine.kind is `spark`, and {java} does not tell its version: {told!r}. {WAYS_OUT}")
    return int(version[1])
