"""Versions on a real MLflow server, which checks what a database alone takes as it is."""

from __future__ import annotations

import pytest
from mlflow_server import mlflow_server

from jobs.tracking import client, keep_artifact, latest_version, log_run, register


@pytest.mark.slow
def test_a_model_is_registered_on_a_server_and_its_run_is_known(make_workspace, tmp_path):
    part = tmp_path / "part.json"
    part.write_text("{}", encoding="utf-8")
    backend = f"sqlite:///{tmp_path / 'server.db'}"
    with mlflow_server(tmp_path, backend, (tmp_path / "artifacts").as_uri(), {}) as address:
        workspace = make_workspace("inline_label", tracking={"uri": address})
        logged = log_run(workspace, "one", files={"part": part}, parameters={"seed": 7}, metrics={}, tags={})
        version = register(workspace, logged, {"night": "2026-01-05"})

        assert latest_version(workspace) == (version, {"night": "2026-01-05"})
        keep_artifact(workspace, version, part)
        assert [file.path for file in client(workspace).list_artifacts(logged.run_id)] == ["part.json"]
