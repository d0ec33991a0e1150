"""Where things lie, and what one run works with: home folder, settings, data set, tables, engine."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from conf.dataset import Dataset, load_dataset
from conf.errors import SettingsError
from conf.settings import Settings, load_settings
from conf.whole_files import write_whole
from jobs.store.checksums import Checksums
from jobs.store.contents import Contents
from jobs.store.tables import Store
from jobs.store.versions import mark, require_known, version_of_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Home:
    """The folder that holds all state. Every path inside it is named here and nowhere else."""

    path: Path

    @classmethod
    def at(cls, path: Path | None = None) -> Home:
        """The home in a folder; without one that of `CTR_HOME`, or else `var` in the working folder."""
        return cls((path or Path(os.environ.get("CTR_HOME") or "var")).expanduser().resolve())

    @property
    def landing(self) -> Path:
        """Landing files of data sets that do not name a folder of their own."""
        return self.path / "landing"

    @property
    def truth(self) -> Path:
        """True click probabilities that the simulated ad server keeps to itself."""
        return self.path / "truth"

    @property
    def warehouse(self) -> Path:
        """Files of the tables."""
        return self.path / "warehouse"

    @property
    def catalog(self) -> Path:
        """The default catalog's SQLite file."""
        return self.path / "catalog.db"

    @property
    def scratch(self) -> Path:
        """Files of steps under way; nothing in it outlives its step."""
        return self.path / "scratch"

    @property
    def mlflow(self) -> Path:
        """MLflow's default store."""
        return self.path / "mlflow"

    @property
    def mlflow_database(self) -> Path:
        """The SQLite file of MLflow's default store."""
        return self.mlflow / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        """The files of runs and models in MLflow's default store."""
        return self.mlflow / "artifacts"

    @property
    def models(self) -> Path:
        """Unpacked bundles of registered model versions, so that a night can score without MLflow."""
        return self.path / "models"

    @property
    def registry_lock(self) -> Path:
        """Locked by the one process that is changing trainings or promotions."""
        return self.path / "registry.lock"

    @property
    def reports(self) -> Path:
        """The report site."""
        return self.path / "reports"

    @property
    def contents(self) -> Path:
        """Digests of what the tables' files hold. It may be deleted: what is missing is worked out again."""
        return self.path / "contents.db"

    @property
    def checksums(self) -> Path:
        """SHA-256 of the tables' files as they were committed. Without it `ctr doctor --deep` tells less."""
        return self.path / "checksums.db"

    @property
    def staged(self) -> Path:
        """Rows of landing files that hold all days. It may be deleted: what is missing is read again."""
        return self.path / "staged"

    @property
    def maintenance_lock(self) -> Path:
        """Locked by the one maintenance that is running."""
        return self.path / "maintenance.lock"

    @property
    def orphans(self) -> Path:
        """Files that maintenance found to belong to nothing, and when first; it may be deleted."""
        return self.path / "orphans.json"

    @property
    def marker(self) -> Path:
        """Tells the version of the home's schema."""
        return self.path / "home.json"

    @property
    def airflow(self) -> Path:
        """The Airflow that belongs to this home."""
        return self.path / "airflow"

    @property
    def errors(self) -> Path:
        """Reports of defects, a file each."""
        return self.path / "errors"

    @property
    def sources(self) -> Path:
        """Remembers where each data set's landing files lie."""
        return self.path / "sources.json"


@dataclass(frozen=True)
class Workspace:
    """What every step receives."""

    home: Home
    settings: Settings
    dataset: Dataset
    data: Path

    @property
    def catalog_uri(self) -> str:
        """The catalog's SQLAlchemy address: the one of the settings, or SQLite in the home."""
        return self.settings.store.catalog_uri or f"sqlite:///{self.home.catalog}"

    @property
    def warehouse(self) -> str:
        """Where the tables' files lie, as an address: the place of the settings, or the home's own folder."""
        return self.settings.store.warehouse or f"file://{self.home.warehouse}"

    @cached_property
    def store(self) -> Store:
        """The data set's tables.

        Raises:
            StoreError: the home was written by newer code, or the catalog cannot be opened.
        """
        mark(self.home.marker)
        return Store.open(
            namespace=self.dataset.name,
            uri=self.catalog_uri,
            warehouse=self.warehouse,
            properties=self.settings.store.properties,
            dataset=self.dataset,
            keep_snapshots=self.settings.store.keep_snapshots,
            checksums=self.checksums,
        )

    @property
    def checksums(self) -> Checksums:
        """What the tables' files were when they were committed."""
        return Checksums(self.home.checksums)

    @cached_property
    def contents(self) -> Contents:
        """What the tables' partitions hold, as digests."""
        return Contents(self.store, lambda: self.engine, self.home.contents)

    @property
    def engine(self) -> SparkSession:
        """The engine's session, started at the first use in a process."""
        from jobs.store.engine import session

        return session(self.settings.engine)

    @property
    def reports(self) -> Path:
        """The report site of this data set."""
        return self.home.reports / self.dataset.name

    @property
    def models(self) -> Path:
        """The files of this data set's versions, a folder each."""
        return self.home.models / self.dataset.name

    @property
    def model_name(self) -> str:
        """The registered model's name in MLflow."""
        return f"ctr-{self.dataset.name}"


def remembered_sources(home: Home) -> dict[str, dict[str, str]]:
    """Data sets this home has worked on: name to description and data folder as they were given last."""
    try:
        content = json.loads(home.sources.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{home.sources} cannot be read ({error}). Delete it and give --dataset and --data."
        ) from error
    return dict(content)


def open_workspace(
    home: Path | None = None, env: str | None = None, dataset: str | None = None, data: Path | None = None
) -> Workspace:
    """The workspace of a run. What is not given comes from `CTR_HOME`, `CTR_ENV`, `CTR_DATASET` and `CTR_DATA`,
    then from what the home remembers, then from the settings.

    Raises:
        SettingsError: an unknown environment or data set, a wrong setting, or a data folder that is not there.
        StoreError: the home was written by newer code.
    """
    place = Home.at(home)
    require_known(version_of_home(place.marker), f"The home {place.path}")
    settings = load_settings(env)
    sources = remembered_sources(place)
    name = dataset or os.environ.get("CTR_DATASET") or (next(iter(sources)) if len(sources) == 1 else settings.dataset)
    known = sources.get(name, {})
    description = load_dataset(known.get("description", name))
    folder = data or _path(os.environ.get("CTR_DATA")) or _path(known.get("data")) or _path(description.data)
    folder = (folder or place.landing / description.name).expanduser().resolve()
    if data is not None and not folder.is_dir():
        raise SettingsError(f"--data {data}: there is no such folder.")
    return Workspace(home=place, settings=settings, dataset=description, data=folder)


def remember_source(workspace: Workspace, dataset: str | None) -> None:
    """Keep where this data set's files lie, so that later commands on the home need not say it again."""
    home, name = workspace.home, workspace.dataset.name
    description = str(Path(dataset).resolve()) if dataset and dataset.endswith((".yaml", ".yml")) else name
    entry = {"description": description, "data": str(workspace.data)}
    sources = remembered_sources(home)
    if sources.get(name) == entry:
        return
    write_whole(home.sources, json.dumps(sources | {name: entry}, indent=2))


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
