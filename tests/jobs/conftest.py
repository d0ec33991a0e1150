"""Small data sets with a data gate that lets logs of a few rows through."""

from __future__ import annotations

import pytest
from landing_files import OPEN_GATE

from jobs.workspace import Workspace


@pytest.fixture
def tiny(make_workspace) -> Workspace:
    return make_workspace("click_log", feed=OPEN_GATE)


@pytest.fixture
def tiny_inline(make_workspace) -> Workspace:
    return make_workspace("inline_label", feed=OPEN_GATE)
