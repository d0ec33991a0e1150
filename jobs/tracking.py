"""MLflow: runs, registered versions and their aliases."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conf.errors import RegistryError, RegistryRefusal, StoreError
from conf.secret_values import known_secrets, without_secrets
from conf.whole_files import in_place_of
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
ALIASES = (CHAMPION, CHALLENGER, PREVIOUS)
REQUIREMENTS = ("xgboost", "scikit-learn", "pyarrow", "pandas", "numpy", "scipy")

REFUSALS = frozenset({400, 401, 403, 404, 405, 409})
"""The statuses of HTTP of an answer that stays the same however often one asks."""


@dataclass(frozen=True)
class Logged:
    """A run, and the address and id of the model that it logged."""

    run_id: str
    address: str
    model_id: str


def tracking_uri(workspace: Workspace) -> str:
    """MLflow's address: the one of the settings, or a SQLite file in the home."""
    return workspace.settings.tracking.uri or f"sqlite:///{workspace.home.mlflow_database}"


def client(workspace: Workspace) -> MlflowClient:
    """An MLflow client on the workspace's store, with telemetry off."""
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    # A server that is down is to be told within seconds, not after MLflow's own seven tries.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    import logging

    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    workspace.home.mlflow_artifacts.mkdir(parents=True, exist_ok=True)
    if not workspace.settings.tracking.uri:
        _make_database(workspace.home.mlflow_database)
    mlflow.set_tracking_uri(tracking_uri(workspace))
    mlflow.set_registry_uri(tracking_uri(workspace))
    return mlflow.tracking.MlflowClient()


def _make_database(file: Path) -> None:
    """MLflow's database, where it is missing: whole or not at all. One whose making was cut short is past mending."""
    if file.is_file():
        return
    from filelock import FileLock
    from mlflow.tracking import MlflowClient

    with FileLock(file.with_suffix(".lock")):
        if not file.is_file():
            with in_place_of(file) as unfinished:
                MlflowClient(f"sqlite:///{unfinished}").search_experiments(max_results=1)


@contextmanager
def reached(workspace: Workspace, advice: str) -> Iterator[MlflowClient]:
    """A client whose failures end as an error that says where MLflow was looked for, and what to do.

    Raises:
        RegistryError: MLflow cannot be reached, or fails.
        RegistryRefusal: MLflow refuses, and would do so again.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield client(workspace)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        said = without_secrets(str(error), known_secrets({}, {"uri": tracking_uri(workspace)}))
        reason = textwrap.shorten(said or type(error).__name__, 200, placeholder=" ...")
        address = without_secrets(tracking_uri(workspace))
        refused = isinstance(error, MlflowException) and error.get_http_status_code() in REFUSALS
        kind = RegistryRefusal if refused else RegistryError
        raise kind(f"MLflow at {address} does not do what is asked: {reason}. {advice}") from error


def experiment(workspace: Workspace) -> str:
    """The id of the data set's experiment, made where it is missing."""
    found = client(workspace).get_experiment_by_name(workspace.model_name)
    if found is not None:
        return str(found.experiment_id)
    local = not workspace.settings.tracking.uri
    place = workspace.home.mlflow_artifacts.as_uri() if local else None
    return str(client(workspace).create_experiment(workspace.model_name, artifact_location=place))


def log_run(
    workspace: Workspace,
    name: str,
    *,
    files: Mapping[str, Path],
    beside: Sequence[Path] = (),
    parameters: Mapping[str, Any],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> Logged:
    """Log one trained model with its files, by the names they get; files `beside` it belong to the run alone.

    The model is stored as files and code, never as a pickle, and loads through MLflow's pyfunc.
    """
    import mlflow

    import models.pyfunc

    mlflow.set_experiment(experiment_id=experiment(workspace))
    with mlflow.start_run(run_name=name, tags=dict(tags)) as run:
        mlflow.log_params(dict(parameters))
        mlflow.log_metrics(dict(metrics))
        for file in beside:
            mlflow.log_artifact(str(file))
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(models.pyfunc.__file__),
            artifacts={name: str(file) for name, file in files.items()},
            pip_requirements=list(REQUIREMENTS),
        )
    return Logged(run.info.run_id, str(logged.model_uri), str(logged.model_id))


def register(workspace: Workspace, logged: Logged, tags: Mapping[str, str]) -> str:
    """Register a logged model as the next version; returns the version."""
    store = client(workspace)
    if not store.search_registered_models(f"name = '{workspace.model_name}'"):
        store.create_registered_model(workspace.model_name)
    # A database takes the address alone; a server wants to be told the model's id as well.
    version = store.create_model_version(
        workspace.model_name, logged.address, logged.run_id, tags=dict(tags), model_id=logged.model_id
    )
    return str(version.version)


def latest_version(workspace: Workspace) -> tuple[str, Mapping[str, str]] | None:
    """The version that was registered last, and its tags."""
    store = client(workspace)
    found = store.search_model_versions(f"name = '{workspace.model_name}'")
    latest = max(found, key=lambda version: int(version.version), default=None)
    return (str(latest.version), dict(latest.tags)) if latest else None


def tag_of(workspace: Workspace, version: str, key: str) -> str | None:
    """A tag of a version, where it has it."""
    return client(workspace).get_model_version(workspace.model_name, version).tags.get(key)


def point_aliases(workspace: Workspace, wanted: Mapping[str, str]) -> None:
    """Make our aliases point at the wanted versions, and take those away that no version has."""
    store = client(workspace)
    found = store.search_registered_models(f"name = '{workspace.model_name}'")
    present = {alias: str(version) for model in found for alias, version in model.aliases.items()}
    for alias in ALIASES if found else ():
        if alias in wanted and present.get(alias) != wanted[alias]:
            store.set_registered_model_alias(workspace.model_name, alias, wanted[alias])
        elif alias in present and alias not in wanted:
            store.delete_registered_model_alias(workspace.model_name, alias)


def require_version(workspace: Workspace, version: str, advice: str) -> None:
    """Make sure that MLflow answers and knows a version.

    Raises:
        StoreError: it does not.
    """
    with reached(workspace, advice) as store:
        store.get_model_version(workspace.model_name, version)


def tag_version(workspace: Workspace, version: str, tags: Mapping[str, str], description: str | None = None) -> None:
    """Set tags of a version, and its description where one is given."""
    store = client(workspace)
    for key, value in tags.items():
        store.set_model_version_tag(workspace.model_name, version, key, value)
    if description is not None:
        store.update_model_version(workspace.model_name, version, description=description)


def untag_version(workspace: Workspace, version: str, key: str) -> None:
    """Take a tag of a version away, where it has it."""
    if tag_of(workspace, version, key) is not None:
        client(workspace).delete_model_version_tag(workspace.model_name, version, key)


def keep_artifact(workspace: Workspace, version: str, file: Path) -> None:
    """Keep a file with the run of a version, in place of an earlier one of that name."""
    store = client(workspace)
    run = store.get_model_version(workspace.model_name, version).run_id
    if run:
        store.log_artifact(run, str(file))


def log_measured(workspace: Workspace, version: str, measured: Mapping[str, float]) -> None:
    """Log what a training took with the run of its version, as MLflow's system metrics."""
    store = client(workspace)
    run = store.get_model_version(workspace.model_name, version).run_id
    for name, value in measured.items() if run else ():
        store.log_metric(run, f"system/{name}", float(value))


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
                f"{without_secrets(tracking_uri(workspace))}: {without_secrets(str(error))}. "
                "Bring MLflow back, or promote another version."
            ) from error
        keep_version(workspace, version, source)
