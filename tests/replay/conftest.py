"""A home in which every simulated night has been run, made once."""

from __future__ import annotations

import pytest
from simulated_nights import NIGHTS, land_nights, workspace_in

from jobs.progress import replay_progress
from jobs.workspace import Workspace


@pytest.fixture(scope="session")
def replayed(tmp_path_factory, engine) -> Workspace:
    """A workspace in which every night has been run. Tests read it and leave it as it is."""
    place = tmp_path_factory.mktemp("simulated")
    landing = place / "landing"
    landing.mkdir()
    workspace = workspace_in(place / "home", landing)
    land_nights(workspace)
    summary = replay_progress(workspace, NIGHTS[0], NIGHTS[-1], again=False, quiet=True)
    assert summary["run"] == [str(night) for night in NIGHTS]
    return workspace
