"""Small data sets with a data gate that lets logs of a few rows through."""

from __future__ import annotations

import pytest
from landing_files import OPEN_GATE
from learnable import fill

from jobs.workspace import Workspace


@pytest.fixture
def tiny(make_workspace) -> Workspace:
    return make_workspace("click_log", feed=OPEN_GATE)


@pytest.fixture
def tiny_inline(make_workspace) -> Workspace:
    return make_workspace("inline_label", feed=OPEN_GATE)


@pytest.fixture
def filled(make_workspace) -> Workspace:
    """Six days to learn from."""
    model = {"boosted": {"max_rounds": 10, "min_child_weight": 1.0}, "hashing": {"bits": 8}}
    workspace = make_workspace("inline_label", training={"model": model, "threads": 1, "min_train_days": 2})
    fill(workspace, range(6))
    return workspace
