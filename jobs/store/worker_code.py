"""The project's own code for the Python workers of a Spark that runs elsewhere."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from conf.settings import CONF_FOLDER

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PACKAGES = ("conf", "features", "jobs", "models", "monitoring", "simulation", "validation")


def bring_code(session: SparkSession) -> None:
    """Hand the session this process's version of the project, so that its workers need only third-party packages.

    What a session is given is its own: another session with another version of the project does not meet it.
    """
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "ctr_pipeline.zip"
        root = CONF_FOLDER.parent
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for package in PACKAGES:
                for file in sorted((root / package).rglob("*.py")):
                    zipped.write(file, file.relative_to(root))
        session.addArtifacts(str(archive), pyfile=True)
