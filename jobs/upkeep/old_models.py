"""Models that serve no more: after a time their files go, in MLflow and in the home; their rows stay on record."""

from __future__ import annotations

import shutil
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

from jobs.aliases import aliases_of
from jobs.promotions import changes, latest_landed
from jobs.trainings import Row, every_training, keep_training
from jobs.workspace import Workspace
from monitoring.cards import card_file

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ADVICE = "Nothing else depends on it; maintenance tries again next time."


def remove_old_models(workspace: Workspace) -> int:
    """Remove the models of versions that have not served for as long as the setting says; returns how many.

    Champion, previous and challenger stay, whatever their age, and so does every version that was trained or served
    within that time. With a model its files, its card and its training snapshot are let go; its rows stay.

    Raises:
        StoreError: MLflow cannot be reached; what is not done is done next time.
    """
    from jobs.tracking import reached

    keep, latest = workspace.settings.maintenance.keep_models_days, latest_landed(workspace)
    if keep is None or latest is None:
        return 0
    rows, made = every_training(workspace), changes(workspace)
    since = latest - timedelta(days=keep)
    served = {one.version for one, after in pairwise(made) if after.in_force >= since}
    needed = {*aliases_of(rows, made).values(), *served}
    due = [row for row in rows if not row["removed"] and row["dt"] < since and row["version"] not in needed]
    for row in due:
        with reached(workspace, ADVICE) as client:
            _forget_version(workspace, client, row, shared=_shared(row, rows))
        shutil.rmtree(workspace.models / row["version"], ignore_errors=True)
        card_file(workspace.reports, row["version"]).unlink(missing_ok=True)
        keep_training(workspace, {**row, "removed": True})  # last: until then it is tried again
    return len(due)


def _shared(row: Row, rows: list[dict[str, object]]) -> bool:
    """Whether another training of the same night saw the same snapshot: its runs cannot be told from this one's."""
    same = [one for one in rows if (one["dt"], one["snapshot"]) == (row["dt"], row["snapshot"])]
    return len(same) > 1


def _forget_version(workspace: Workspace, client: MlflowClient, row: Row, *, shared: bool) -> None:
    """Delete a version, and the runs of its training with their models and files."""
    name = workspace.model_name
    known = {str(version.version): version for version in client.search_model_versions(f"name = '{name}'")}
    version = known.get(row["version"])
    found = client.get_experiment_by_name(name)
    if found is None:
        return
    snapshot = f"tags.training_examples_snapshot = '{row['snapshot']}' and tags.night = '{row['dt']}'"
    runs = [] if shared else client.search_runs([found.experiment_id], snapshot)
    if version is not None:
        client.delete_model_version(name, version.version)
    for run in runs:
        models = client.search_logged_models(
            [found.experiment_id], filter_string=f"source_run_id = '{run.info.run_id}'"
        )
        for model in models:
            client.delete_logged_model(model.model_id)
            _remove_files(model.artifact_location)
        client.delete_run(run.info.run_id)
        _remove_files(run.info.artifact_uri)


def _remove_files(address: str) -> None:
    """Remove artifacts that lie in the home; a server sees to its own."""
    parsed = urlparse(address)
    if parsed.scheme == "file":
        folder = Path(url2pathname(parsed.path))
        shutil.rmtree(folder.parent if folder.name == "artifacts" else folder, ignore_errors=True)
