"""The same logs give the same tables on both engines."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from landing_files import OPEN_GATE
from random_logs import NIGHTS as RANDOM_NIGHTS
from random_logs import land_log, logs
from table_content import TIMINGS, content

from conf.dataset import load_dataset
from conf.settings import EngineSettings, Settings
from jobs.night import run_step
from jobs.score import candidates_with_features
from jobs.store.schemas import specs
from jobs.workspace import Home, Workspace
from tests.engines.conftest import LOCAL_SPARK, NIGHTS, unlike

pytestmark = pytest.mark.spark

STEPS = ("ingest", "label", "features", "score", "evaluate")
CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"
WITHOUT_TRAINING = {"trainings", "promotions"}


def test_the_comparison_sees_a_difference():
    row = ("a", 1.0, None)
    assert not unlike([row], [("a", 1.0 + 1e-12, None)])
    for other in (("b", 1.0, None), ("a", 1.0 + 1e-6, None), ("a", 1, None), ("a", 1.0, 0)):
        assert unlike([row], [other])
    assert not unlike([('{"ne": [1.0]}',)], [('{"ne": [1.0000000000001]}',)])
    assert unlike([('{"ne": [1.0]}',)], [('{"ne": [1.1]}',)])


@pytest.mark.parametrize("table", sorted(set(specs(load_dataset("simulated"))) - {TIMINGS} - WITHOUT_TRAINING))
def test_a_week_gives_the_same_table_on_both_engines(embedded_contents, spark_contents, table):
    embedded, spark = embedded_contents[table], spark_contents[table]
    assert embedded, f"{table} is empty: nothing is compared"
    assert len(embedded) == len(spark)
    assert not unlike(embedded, spark)


@pytest.fixture(scope="module")
def spark_contents(spark_week):
    return content(spark_week)


def test_an_engine_goes_on_with_the_tables_of_the_other(embedded_week, spark_week):
    """The features of a day from the embedded engine's tables, read and joined by either engine."""
    day = NIGHTS[-1] + timedelta(days=1)
    borrowed = Workspace(embedded_week.home, spark_week.settings, embedded_week.dataset, embedded_week.data)
    own, other = (
        sorted((tuple(row) for row in candidates_with_features(workspace, day).collect()), key=repr)
        for workspace in (embedded_week, borrowed)
    )
    assert own
    assert len(own) == len(other)
    assert not unlike(own, other)


def random_workspace(folder: Path, engine: EngineSettings) -> Workspace:
    given_settings = Settings.model_validate({"feed": OPEN_GATE, "engine": engine.model_dump()})
    return Workspace(Home(folder / engine.kind), given_settings, load_dataset(str(CLICK_LOG)), folder / "landing")


@settings(max_examples=2, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
@given(log=logs())
def test_random_small_logs_give_the_same_tables_on_both_engines(engine, spark, log):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        land_log(folder / "landing", log)
        contents = []
        for chosen in (EngineSettings(), LOCAL_SPARK):
            workspace = random_workspace(folder, chosen)
            for night in RANDOM_NIGHTS[:3]:
                for step in STEPS:
                    run_step(workspace, step, night)
            contents.append(content(workspace))
    embedded, other = contents
    for table in embedded:
        assert len(embedded[table]) == len(other[table]), table
        assert not unlike(embedded[table], other[table]), table
