"""The champion: which model version serves a day, and its bundle on disk."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from conf.errors import StoreError
from jobs.promotions import champions, changes_as_of
from jobs.trainings import require_model, training_of
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from models.bundle import ModelBundle

PRIOR = "prior"
"""Stands as model name where predictions are the smoothed click rate, for want of a champion."""


@dataclass(frozen=True)
class ModelVersion:
    """One registered version, as the table `trainings` knows it."""

    model: str
    version: str
    promoted_on: date
    trained_on: date
    ne: float

    @property
    def label(self) -> str:
        """Name and version for people."""
        return f"{self.model} v{self.version}"


def champion_as_of(workspace: Workspace, night: date) -> ModelVersion | None:
    """The version that the promotions make champion at the end of `night`.

    The promotions are asked, not MLflow's alias of today: a night that is run again uses the model it used then.
    """
    found = changes_as_of(workspace, night)
    if not found:
        return None
    version = champions(found)[-1]
    latest = next(change for change in found[::-1] if change.version == version)
    training = training_of(workspace, version)
    return ModelVersion(latest.model, version, latest.night, training["trained_on"], training["ne"])


def bundle_folder(workspace: Workspace, version: str) -> Path:
    """The files of a version as they were registered; raises what `registered_files` raises."""
    folder, _ = registered_files(workspace, version)
    return folder


def registered_files(workspace: Workspace, version: str) -> tuple[Path, str | None]:
    """The folder of a version's files, fetched from MLflow where the home does not hold it, and its `bundle_digest`.

    Raises:
        NotReady: maintenance has removed it.
        StoreError: neither the home nor MLflow has it, or what they have is not what was registered.
    """
    from models.bundle_files import manifest_digest

    training = training_of(workspace, version)
    require_model(training)
    folder, registered = unpacked(workspace, version), training["bundle"]
    if registered is not None and manifest_digest(folder / "bundle") != registered:
        raise StoreError(
            f"{folder / 'bundle'} is not what was registered as version {version}: it was changed since, here or in "
            f"MLflow. Delete {folder} to fetch it again from MLflow, or promote another version."
        )
    return folder, registered


def unpacked(workspace: Workspace, version: str) -> Path:
    """The files of a version, whatever they are; fetched from MLflow where the home does not hold them.

    Raises:
        StoreError: neither the home nor MLflow has them.
    """
    folder = workspace.models / version
    if not folder.is_dir():
        from jobs.tracking import fetch_bundle

        fetch_bundle(workspace, version, folder)
    return folder


def bundle_digest(workspace: Workspace, version: str) -> str | None:
    """The SHA-256 of the manifest that a version was registered with; None for one of earlier code."""
    return training_of(workspace, version)["bundle"]


def load_version(workspace: Workspace, version: str) -> ModelBundle:
    """The model of a version, checked against its manifest."""
    from models.bundle import load_bundle

    folder, digest = registered_files(workspace, version)
    return load_bundle(folder / "bundle", digest)


def keep_version(workspace: Workspace, version: str, source: Path) -> Path:
    """Put a version's files in the home, whole or not at all."""
    folder = workspace.models / version
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial, outdated = (folder.with_name(f".{version}.{os.getpid()}{part}") for part in ("", ".outdated"))
    for left in (partial, outdated):
        shutil.rmtree(left, ignore_errors=True)
    try:
        shutil.copytree(source, partial)
        if folder.exists():
            folder.replace(outdated)
        partial.replace(folder)
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error}") from error
    shutil.rmtree(outdated, ignore_errors=True)
    return folder
