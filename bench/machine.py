"""The machine and the versions that figures belong to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from jobs.code_version import code_version

PACKAGES = (
    "pyspark",
    "pysail",
    "duckdb",
    "polars",
    "pandas",
    "pyarrow",
    "xgboost",
    "lightgbm",
    "catboost",
    "scikit-learn",
    "vowpalwabbit",
    "mlflow",
)


def machine() -> dict[str, Any]:
    """Processor, cores, memory, load when asked, Python, packages, and the project's own version."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1024**3, 1),
        "load": [round(load, 2) for load in psutil.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "code": code_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
