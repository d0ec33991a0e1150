"""Settings: `base.yaml`, then one overlay an environment, then `CTR_*` variables. Frozen; unknown keys are refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from conf.errors import SettingsError
from conf.notation import Day, DayCount, DaysOrNone, Port, Seed
from conf.refusals import explained
from conf.strict_yaml import read_yaml, yaml_value

CONF_FOLDER = Path(__file__).parent


class Frozen(BaseModel):
    """Base of every settings block: immutable, and a misspelt key is an error rather than a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EngineSettings(Frozen):
    """Which engine runs the ETL, and its size."""

    kind: Literal["embedded", "spark"] = "embedded"
    master: str = Field(
        "local[*]", description="Kind `spark`: local[n], spark://host:port, yarn, k8s://... or sc://host:port (Connect)"
    )
    shuffle_partitions: PositiveInt = 4
    options: dict[str, str] = Field(
        default_factory=dict, description="Further Spark options, passed through as they are"
    )

    @property
    def is_cluster(self) -> bool:
        """Whether other processes than Spark's driver do the work, perhaps on other machines."""
        return self.kind == "spark" and not self.master.startswith("local")


class StoreSettings(Frozen):
    """Where tables are catalogued and kept. Empty values mean: inside the home folder."""

    catalog_uri: str = Field("", description="SQLAlchemy address of the catalog; empty: SQLite in the home")
    warehouse: str = Field("", description="Folder or object-store prefix of the table files; empty: in the home")
    properties: dict[str, str] = Field(default_factory=dict, description="Further PyIceberg catalog properties")
    keep_snapshots: PositiveInt = Field(
        20, description="Snapshots of each table that stay in any case; a commit's cost grows with how many there are"
    )


class TrackingSettings(Frozen):
    """MLflow. An empty address means: SQLite and files inside the home folder."""

    uri: str = ""


class FeedExpectations(Frozen):
    """Limits of the data gate, checked on every night's landing before anything is published."""

    max_quarantined_share: float = Field(0.02, ge=0, le=1, description="Rejected rows / landed rows")
    max_duplicate_share: float = Field(0.2, ge=0, le=1)
    min_volume_ratio: float = Field(0.5, ge=0, description="Impressions / mean of the days before")
    max_volume_ratio: float = Field(3.0, gt=0)
    volume_days: DayCount = Field(7, description="Days before that the volume is compared with")
    max_null_share: float = Field(0.2, ge=0, le=1, description="Missing values in any one declared column")
    min_ctr: float = Field(0.0001, ge=0, le=1)
    max_ctr: float = Field(0.95, ge=0, le=1)


TrainedKind = Literal["logistic_regression", "xgboost", "mix"]


class TrainingSettings(Frozen):
    """Which days a model learns from, and which kinds of model compete."""

    models: tuple[TrainedKind, ...] = ("logistic_regression", "xgboost", "mix")
    window_days: DayCount = Field(28, description="Mature days before the validation days, at most")
    min_train_days: DayCount = 3
    validation_days: DayCount = 1
    holdout_days: DayCount = Field(1, description="Later mature days on which the promotion gate decides")
    sampling_rate: float = Field(
        1.0, gt=0, le=1, description="Share of non-clicks kept; predictions are corrected for it"
    )
    seed: Seed = 7
    threads: int = Field(0, ge=0, description="0: all cores")
    cluster_tasks: PositiveInt = Field(
        2, description="Tasks that grow the trees together where engine.master is a cluster; at most its cores"
    )
    device: Literal["cpu", "cuda"] = "cpu"
    reference_days: DayCount = Field(7, description="Latest days of a training that later nights are compared with")
    model: dict[str, Any] = Field(default_factory=dict, description="Model settings by block, see models.settings")


Approval = Literal["gate", "person"]


class PromotionPolicy(Frozen):
    """What a challenger must prove on later, mature days before it replaces the champion."""

    approval: Approval = Field(
        "gate", description="`person`: a challenger that the gate agrees to waits until a person promotes it"
    )
    confidence: float = Field(0.99, gt=0.5, lt=1, description="One-sided, of the paired NE difference by user")
    min_calibration_ratio: float = 0.9
    max_calibration_ratio: float = 1.1
    max_slice_harm: float = Field(0.02, ge=0, description="Largest relative NE loss allowed on a large slice")
    min_slice_impressions: PositiveInt = 2000
    min_impressions: PositiveInt = 1000


class DriftThresholds(Frozen):
    """Distances above which one column, the predictions or the clicks count as drifted."""

    psi: float = Field(0.2, gt=0, description="Categorical columns, population stability index")
    wasserstein: float = Field(0.2, gt=0, description="Numeric columns, normalised by the reference's deviation")
    prediction: float = Field(
        0.4, gt=0, description="Wasserstein distance of the predictions, normalised; launches alone move them by 0.3"
    )
    share_of_columns: float = Field(0.3, gt=0, le=1, description="Share of drifted columns that makes the night drift")
    ctr_ratio: float = Field(1.25, gt=1, description="CTR against the reference, either way")
    unit_factor: float = Field(
        3.0, gt=1, description="Numbers so many times the reference's, of the same shape, have changed their unit"
    )
    new_ads_factor: float = Field(2.0, gt=1, description="Impressions of ads never seen, as a share, against the usual")
    new_ads_share: float = Field(0.1, gt=0, le=1, description="... and the least such share that counts")
    ne_ratio: float = Field(1.03, gt=1, description="NE against what the champion promised on its holdout")
    calibration_low: float = Field(0.85, gt=0, lt=1, description="Predicted / observed clicks, beyond chance")
    calibration_high: float = Field(1.15, gt=1, description="... and from above")
    sample_rows: PositiveInt = Field(10_000, description="Rows drawn, the same way each night, from either side")
    min_impressions: PositiveInt = Field(500, description="Fewer scored impressions than this say nothing")


class RetrainingPolicy(Frozen):
    """When drift or decay leads to training. See monitoring.decision."""

    nights_needed: PositiveInt = Field(2, description="k: nights with drift or decay ...")
    nights_looked_at: PositiveInt = Field(3, description="n: ... among the last n")
    cooldown_days: DaysOrNone = Field(3, description="Nights after a training in which no other is asked for")
    longest_cooldown_days: DaysOrNone = Field(
        28, description="Every rejected training after the first in a row doubles the cool-down, up to this"
    )
    follow_up_nights: DaysOrNone = Field(
        7, description="Nights after which a champion trained because of a change is followed up; 0: never"
    )
    max_champion_age_days: DayCount = 28


class MonitoringSettings(Frozen):
    """Drift measurement, retraining decision and report retention."""

    drift: DriftThresholds = DriftThresholds()
    retraining: RetrainingPolicy = RetrainingPolicy()
    keep_reports_days: DayCount = Field(
        400, description="Nights that the index shows, and whose pages maintenance leaves"
    )
    keep_evidently_days: DayCount = Field(
        30, description="Nights whose Evidently pages, some 4 MB each, maintenance leaves"
    )


class NotificationSettings(Frozen):
    """Whom the DAGs tell of what needs a person. Nobody while both `webhook` and `email` are empty."""

    webhook: str = Field(
        "",
        description="Address that a JSON object is posted to; secret parts from an Airflow connection, e.g. "
        "https://hooks.example.com/{{ conn.ctr_webhook.password }}",
    )
    only_text: bool = Field(False, description='Post {"text": ...} alone, for services that refuse any other key')
    email: tuple[str, ...] = Field((), description="Addresses that get an e-mail")
    smtp_connection: str = Field("smtp_default", description="Airflow connection to the server that sends it")
    verdicts: tuple[Literal["ok", "watch", "retrain", "wait", "blocked"], ...] = Field(
        ("watch", "retrain", "blocked"), description="Of which nights; failures and late nights are told in any case"
    )
    timeout_seconds: float = Field(10.0, gt=0, le=3_600, description="For each of webhook and e-mail, all in all")


class AirflowSettings(Frozen):
    """The schedule of the DAGs, whom they tell, and where their services listen."""

    nightly_cron: str = "0 2 * * *"
    weekly_training_cron: str = "0 6 * * 1"
    maintenance_cron: str = "0 8 * * 0"
    start_date: Day = Field("2020-01-01", description="No run is made for days before")
    late_after_hours: float = Field(
        4.0, gt=0, le=24 * 366, description="A night that has not ended by then is told as late"
    )
    notify: NotificationSettings = NotificationSettings()
    host: str = "127.0.0.1"
    ui_port: Port = 8080
    mlflow_port: Port = 5000
    reports_port: Port = 8090


class MaintenanceSettings(Frozen):
    """What the weekly maintenance keeps."""

    keep_snapshots_days: DayCount = 30
    orphan_hours: PositiveInt = Field(
        24,
        le=24 * 366,
        description="Files of no snapshot are removed that old, by a second pass so long after the one that saw them",
    )
    compact_files: int = Field(
        8, ge=2, le=10_000, description="A day of a table of so many small files is rewritten into one"
    )
    small_file_mb: PositiveInt = Field(32, description="Files below that, in megabytes, are small")
    keep_days: DayCount | None = Field(
        None, description="Days of raw and derived tables that stay, or more where something needs more; default: all"
    )
    keep_models_days: DayCount | None = Field(
        None,
        description="Days after their training, or their last service, that models other than champion, previous and "
        "challenger stay, with their MLflow runs; default: for good",
    )
    keep_logs_days: DayCount = Field(
        90, description="Days that error reports, service logs and unused staged copies of whole logs stay"
    )


class Settings(Frozen):
    """Everything that may be set. The data set's own description is apart, in conf.dataset."""

    dataset: str = "simulated"
    engine: EngineSettings = EngineSettings()
    store: StoreSettings = StoreSettings()
    tracking: TrackingSettings = TrackingSettings()
    feed: FeedExpectations = FeedExpectations()
    training: TrainingSettings = TrainingSettings()
    promotion: PromotionPolicy = PromotionPolicy()
    monitoring: MonitoringSettings = MonitoringSettings()
    airflow: AirflowSettings = AirflowSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()


def merged(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `overlay` laid over it, block by block."""
    result = dict(base)
    for key, value in overlay.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result


def environments() -> list[str]:
    """Names that `--env` takes: every YAML file beside base.yaml."""
    return sorted(path.stem for path in CONF_FOLDER.glob("*.yaml") if path.stem != "base")


def load_settings(env: str | None = None, variables: Mapping[str, str] | None = None) -> Settings:
    """Settings of one environment.

    `env` names an overlay in conf/ or a YAML file of your own; default `CTR_ENV`, else base.yaml alone.
    A variable `CTR_SET_<BLOCK>__<NAME>` sets one value, e.g. `CTR_SET_ENGINE__KIND=spark`.

    Raises:
        SettingsError: an unknown environment, an unknown key or a value of the wrong kind.
    """
    variables = os.environ if variables is None else variables
    env = env or variables.get("CTR_ENV") or ""
    content = read_yaml(CONF_FOLDER / "base.yaml")
    source = "conf/base.yaml"
    if env:
        path = Path(env) if env.endswith((".yaml", ".yml")) else CONF_FOLDER / f"{env}.yaml"
        if not path.is_file():
            known = ", ".join(environments()) or "none"
            raise SettingsError(f"Unknown environment `{env}`. Known: {known}; or give the path of a YAML file.")
        content = merged(content, read_yaml(path))
        source = f"{path.name} over base.yaml"
    for name, value in variables.items():
        if name.startswith("CTR_SET_"):
            keys = name.removeprefix("CTR_SET_").lower().split("__")
            try:
                content = merged(content, _nested(keys, yaml_value(value)))
            except ValueError as error:
                raise SettingsError(f"${name} cannot be read as YAML: {error}") from error
            source = f"{source} and ${name}"
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(explained(error, Settings, source)) from error


def _nested(keys: list[str], value: object) -> dict[str, Any]:
    for key in reversed(keys[1:]):
        value = {key: value}
    return {keys[0]: value}
