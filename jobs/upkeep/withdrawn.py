"""Models of withdrawn trainings: after a time their files go, in MLflow and in the home; their rows stay on record."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

from jobs.promotions import changes, latest_landed
from jobs.trainings import Row, every_training, keep_training
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ADVICE = "Nothing else depends on it; maintenance tries again next time."


def remove_withdrawn(workspace: Workspace) -> int:
    """Remove the models of trainings withdrawn and older than the retention; returns how many.

    A version that was ever champion, by whomever, stays: a rollback may want it. With the model its snapshot is let go.

    Raises:
        StoreError: MLflow cannot be reached; what is not done is done next time.
    """
    from jobs.tracking import reached

    keep, latest = workspace.settings.maintenance.keep_withdrawn_days, latest_landed(workspace)
    if keep is None or latest is None:
        return 0
    promoted = {version for change in changes(workspace) for version in (change.version, change.previous)}
    rows = every_training(workspace)
    due = [
        row
        for row in rows
        if row["withdrawn"]
        and row["snapshot"] is not None
        and row["version"] not in promoted
        and row["dt"] < latest - timedelta(days=keep)
    ]
    for row in due:
        with reached(workspace, ADVICE) as client:
            _forget_version(workspace, client, row, shared=_shared(row, rows))
        shutil.rmtree(workspace.models / row["version"], ignore_errors=True)
        keep_training(workspace, {**row, "snapshot": None})  # last: until then it is tried again
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
