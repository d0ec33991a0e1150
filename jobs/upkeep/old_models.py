"""Models that serve no more: after a time their files go, in MLflow and in the home; their rows stay on record."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse
from urllib.request import url2pathname

from jobs.aliases import aliases_of
from jobs.promotions import changes, latest_landed
from jobs.trainings import Row, every_training, let_go
from jobs.workspace import Workspace
from monitoring.cards import card_file

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ADVICE = "Nothing else depends on it; maintenance tries again next time."


def remove_old_models(workspace: Workspace) -> int:
    """Remove the models of versions that have not served for as long as the setting says; returns how many.

    Champion, previous and challenger stay, whatever their age, and so does every version that was trained or served
    within that time. With a model its files, its card and its training snapshot are let go; its rows stay. They say
    first that the model is gone, so that nobody promotes it meanwhile; what is left of it then goes now or next time.

    Raises:
        StoreError: MLflow cannot be reached; what is not done is done next time.
    """
    from jobs.tracking import reached

    keep, latest = workspace.settings.maintenance.keep_models_days, latest_landed(workspace)
    if keep is None or latest is None:
        return 0
    let_go(workspace, partial(_unused, workspace, latest - timedelta(days=keep)))
    rows, done = every_training(workspace), 0
    removed = [row for row in rows if row["removed"]]
    if not removed:
        return 0
    with reached(workspace, ADVICE) as client:
        found = client.search_model_versions(f"name = '{workspace.model_name}'")
        registered = {str(version.version) for version in found}
        for row in removed:
            folder = workspace.models / row["version"]
            if row["version"] in registered or folder.is_dir():
                card_file(workspace.reports, row["version"]).unlink(missing_ok=True)
                if not _shared(row, rows):
                    _forget_runs(workspace, client, row)
                shutil.rmtree(folder, ignore_errors=True)
                if row["version"] in registered:  # last in MLflow: until then it is tried again
                    client.delete_model_version(workspace.model_name, row["version"])
                done += 1
    return done


def _unused(workspace: Workspace, since: date, rows: Sequence[Row]) -> set[str]:
    """The versions trained before a day that have not served from then on, and that no alias names."""
    made = changes(workspace)
    served = {one.version for one, after in pairwise(made) if after.in_force >= since}
    needed = {*aliases_of(rows, made).values(), *served}
    return {row["version"] for row in rows if not row["removed"] and row["dt"] < since} - needed


def _shared(row: Row, rows: list[dict[str, object]]) -> bool:
    """Whether another training of the same night saw the same snapshot: its runs cannot be told from this one's."""
    same = [one for one in rows if (one["dt"], one["snapshot"]) == (row["dt"], row["snapshot"])]
    return len(same) > 1


def _forget_runs(workspace: Workspace, client: MlflowClient, row: Row) -> None:
    """Delete the runs of a version's training with their models and files."""
    found = client.get_experiment_by_name(workspace.model_name)
    if found is None:
        return
    snapshot = f"tags.training_examples_snapshot = '{row['snapshot']}' and tags.night = '{row['dt']}'"
    for run in client.search_runs([found.experiment_id], snapshot):
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
