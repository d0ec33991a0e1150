"""MLflow: runs, registered versions and their aliases."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.errors import StoreError
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
REQUIREMENTS = ("xgboost", "scikit-learn", "pyarrow", "pandas", "numpy", "scipy")


def tracking_uri(workspace: Workspace) -> str:
    """MLflow's address: the one of the settings, or a SQLite file in the home."""
    return workspace.settings.tracking.uri or f"sqlite:///{workspace.home.mlflow / 'mlflow.db'}"


def client(workspace: Workspace) -> MlflowClient:
    """An MLflow client on the workspace's store, with telemetry off."""
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    import logging

    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    (workspace.home.mlflow / "artifacts").mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking_uri(workspace))
    mlflow.set_registry_uri(tracking_uri(workspace))
    return mlflow.tracking.MlflowClient()


def experiment(workspace: Workspace) -> str:
    """The id of the data set's experiment, made where it is missing."""
    found = client(workspace).get_experiment_by_name(workspace.model_name)
    if found is not None:
        return str(found.experiment_id)
    local = not workspace.settings.tracking.uri
    place = (workspace.home.mlflow / "artifacts").as_uri() if local else None
    return str(client(workspace).create_experiment(workspace.model_name, artifact_location=place))


def log_run(
    workspace: Workspace,
    name: str,
    *,
    folder: Path,
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> str:
    """Log one trained model with its files; returns the address of the logged model.

    `folder` holds `bundle/` and `reference.parquet`. The model is stored as files and code, never as a pickle, and
    loads through MLflow's pyfunc.
    """
    import mlflow

    import models.pyfunc

    client(workspace)
    mlflow.set_experiment(experiment_id=experiment(workspace))
    with mlflow.start_run(run_name=name, tags=dict(tags)):
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(metrics))
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(models.pyfunc.__file__),
            artifacts={"bundle": str(folder / "bundle"), "reference": str(folder / "reference.parquet")},
            pip_requirements=list(REQUIREMENTS),
        )
    return str(logged.model_uri)


def register(workspace: Workspace, model_uri: str, tags: Mapping[str, str]) -> str:
    """Register a logged model as the next version; returns the version."""
    store = client(workspace)
    if not store.search_registered_models(f"name = '{workspace.model_name}'"):
        store.create_registered_model(workspace.model_name)
    return str(store.create_model_version(workspace.model_name, source=model_uri, tags=dict(tags)).version)


def set_aliases(workspace: Workspace, aliases: Mapping[str, str]) -> None:
    """Point aliases at versions."""
    store = client(workspace)
    for alias, version in aliases.items():
        store.set_registered_model_alias(workspace.model_name, alias, version)


def fetch_bundle(workspace: Workspace, version: str, folder: Path) -> None:
    """Download a version's files from MLflow into the home.

    Raises:
        StoreError: MLflow cannot be reached or does not know the version.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    from jobs.champion import keep_version
    from jobs.step import scratch_folder

    client(workspace)
    with scratch_folder(workspace.home, "fetch") as scratch:
        try:
            address = f"models:/{workspace.model_name}/{version}"
            source = Path(download_artifacts(artifact_uri=address, dst_path=str(scratch))) / "artifacts"
        except (MlflowException, OSError) as error:
            raise StoreError(
                f"Version {version} of {workspace.model_name} is neither in {folder} nor to be had from MLflow at "
                f"{tracking_uri(workspace)}: {error}. Bring MLflow back, or promote another version."
            ) from error
        keep_version(workspace, version, source)
