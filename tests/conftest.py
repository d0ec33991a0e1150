"""What all tests share: no telemetry, one embedded engine, workspaces of small data sets in folders of their own."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings as hypothesis_settings

from conf.dataset import load_dataset
from conf.settings import EngineSettings, Settings
from jobs.workspace import Home, Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOR_TESTS = ("CTR_REAL_DATA", "CTR_SOAK_")
"""Variables that are meant for the tests themselves."""

# The libraries that read these are imported later, by the code that needs them.
os.environ.update(DO_NOT_TRACK="true", GX_ANALYTICS_ENABLED="false", MLFLOW_DISABLE_TELEMETRY="true", RUST_LOG="error")
for _variable in [name for name in os.environ if name.startswith("CTR_") and not name.startswith(FOR_TESTS)]:
    del os.environ[_variable]  # a developer's own home, data set and settings are none of the tests' business

TESTS = Path(__file__).parent
DESCRIPTIONS = TESTS / "data"
sys.path.append(str(TESTS / "support"))

hypothesis_settings.register_profile("reproducible", derandomize=True, deadline=None, database=None, max_examples=25)
hypothesis_settings.register_profile("thorough", derandomize=False, deadline=None, database=None, max_examples=200)
hypothesis_settings.register_profile(
    "fuzz", derandomize=False, deadline=None, database=None, max_examples=250, print_blob=True
)
hypothesis_settings.load_profile("reproducible")

MakeWorkspace = Callable[..., Workspace]


def with_the_answer(record: logging.LogRecord) -> bool:
    """Adds what came from the engine to gRPC's words that it cannot be read, which happened twice in long runs."""
    trace = record.exc_info[2] if record.exc_info else None
    answer = trace.tb_frame.f_locals.get("message") if trace else None
    if isinstance(answer, bytes):
        record.msg = f"{record.msg} {len(answer)} bytes: {answer[:4000].hex()}"
    return True


logging.getLogger("grpc._common").addFilter(with_the_answer)


@pytest.fixture(scope="session")
def engine() -> SparkSession:
    """The embedded engine: one a process, as in production."""
    from jobs.store.engine import session

    return session(EngineSettings())


@pytest.fixture
def make_workspace(tmp_path: Path, engine: SparkSession) -> MakeWorkspace:
    """Makes workspaces: `make_workspace("click_log")`, with settings by block, and a folder where two are needed."""

    def make(description: str, *, folder: str = "", **settings: object) -> Workspace:
        dataset = load_dataset(str(DESCRIPTIONS / f"{description}.yaml"))
        place = tmp_path / folder
        landing = place / "landing"
        landing.mkdir(parents=True, exist_ok=True)
        return Workspace(Home(place / "home"), Settings.model_validate(settings), dataset, landing)

    return make


@pytest.fixture
def tiny(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace of the small click log, with nothing landed."""
    return make_workspace("click_log")


@pytest.fixture
def tiny_inline(make_workspace: MakeWorkspace) -> Workspace:
    """A workspace of the small log that carries its label, with nothing landed."""
    return make_workspace("inline_label")
