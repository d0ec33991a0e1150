from pathlib import Path

import numpy as np
import pytest

import models
from models.batches import TableBatches
from models.bundle import train_bundle


def test_mlflow_loads_and_predicts_what_the_bundle_predicts(
    columns,
    settings,
    impressions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    monkeypatch.chdir(tmp_path)
    import mlflow

    bundle = train_bundle(
        "mix", settings, columns, TableBatches(impressions(1000, 1)), TableBatches(impressions(500, 2))
    )
    bundle.save(tmp_path / "bundle")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("ctr", artifact_location=(tmp_path / "artifacts").as_uri())
    mlflow.set_experiment("ctr")
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(models.__file__).with_name("pyfunc.py")),
            artifacts={"bundle": str(tmp_path / "bundle")},
            pip_requirements=["ctr-pipeline"],
        )
    loaded = mlflow.pyfunc.load_model(logged.model_uri)
    rows = impressions(200, 3)
    assert np.array_equal(loaded.predict(rows.to_pandas()).to_numpy(), bundle.predict(rows))
    assert not list((tmp_path / "artifacts").rglob("*.pkl"))
