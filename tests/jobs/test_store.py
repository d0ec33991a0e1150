from __future__ import annotations

from datetime import date

import pytest
import yaml
from pyiceberg.expressions import EqualTo, In
from table_content import rows_of

from conf.dataset import Dataset
from conf.errors import StoreError
from jobs.store.tables import Store

FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


@pytest.fixture
def clicks(engine):
    """Rows of the table `clicks`: (day, impression)."""
    schema = "dt date, impression_id string, click_time timestamp"
    return lambda *rows: engine.createDataFrame([(day, name, None) for day, name in rows], schema)


def ids(workspace, snapshot=None):
    return sorted(row["impression_id"] for row in workspace.store.arrow("clicks", snapshot=snapshot).to_pylist())


def test_a_replacement_changes_the_rows_under_its_filter_and_no_others(tiny, clicks):
    tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a"), (FIRST, "b")))
    tiny.store.replace("clicks", EqualTo("dt", SECOND), clicks((SECOND, "c")))
    assert tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "d"))) == 1
    assert ids(tiny) == ["c", "d"]


def test_the_same_replacement_twice_leaves_the_rows_once(tiny, clicks):
    for _ in range(2):
        tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a")))
    assert ids(tiny) == ["a"]


def test_a_replacement_by_nothing_empties_the_day(tiny, clicks):
    tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a")))
    assert tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks()) == 0
    assert (ids(tiny), tiny.store.days("clicks")) == ([], [])


def test_rows_that_cannot_be_made_leave_the_table_as_it_was(tiny, clicks):
    from pyspark.sql import functions as F

    tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a")))
    broken = clicks((FIRST, "b"), (FIRST, "c")).withColumn(
        "impression_id", F.when(F.col("impression_id") == "c", F.raise_error(F.lit("broken"))).otherwise("b")
    )
    with pytest.raises(Exception, match="broken"):
        tiny.store.replace("clicks", EqualTo("dt", FIRST), broken)
    assert ids(tiny) == ["a"]


def test_a_part_of_two_days_is_refused_where_a_write_is_of_one(tiny, engine):
    def predictions(*days):
        columns = dict.fromkeys(tiny.store.specs["predictions"].columns) | {"pair_id": "a"}
        schema = ", ".join(f"{name} {kind}" for name, kind in tiny.store.specs["predictions"].columns.items())
        return engine.createDataFrame([columns | {"dt": day} for day in days], schema)

    tiny.store.replace("predictions", EqualTo("dt", FIRST), predictions(FIRST))
    with pytest.raises(ValueError, match="more than one partition"):
        tiny.store.replace("predictions", In("dt", [FIRST, SECOND]), predictions(FIRST, SECOND))
    assert tiny.store.days("predictions") == [FIRST]


def test_a_snapshot_is_read_as_it_was(tiny, engine, clicks):
    tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a")))
    before = tiny.store.snapshot("clicks")
    tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "b")))
    assert ids(tiny, snapshot=before) == ["a"]
    read = tiny.store.read(engine, "clicks", EqualTo("dt", FIRST), snapshot=before)
    assert [row["impression_id"] for row in read.collect()] == ["a"]


def test_the_oldest_snapshots_are_forgotten_but_none_that_a_model_was_trained_on(make_workspace):
    workspace = make_workspace("click_log", store={"keep_snapshots": 3})
    store = workspace.store
    columns = dict.fromkeys(store.specs["training_examples"].columns) | {"dt": FIRST}
    for number in range(20):
        store.replace_rows("training_examples", EqualTo("dt", FIRST), [columns | {"impression_id": f"i{number}"}])
        if number == 2:
            trained_on = store.snapshot("training_examples")
            training = dict.fromkeys(store.specs["trainings"].columns) | {"dt": FIRST, "snapshot": trained_on}
            store.replace_rows("trainings", EqualTo("dt", FIRST), [training])
    kept = [snapshot.snapshot_id for snapshot in store.table("training_examples").snapshots()]
    assert trained_on in kept and store.snapshot("training_examples") in kept
    assert len(kept) <= 2 * 3 + 1
    [row] = store.arrow("training_examples", snapshot=trained_on).to_pylist()
    assert row["impression_id"] == "i2"


def test_the_engine_reads_the_chosen_days_alone(tiny, engine, clicks):
    tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a")))
    tiny.store.replace("clicks", EqualTo("dt", SECOND), clicks((SECOND, "b")))
    assert [row["impression_id"] for row in tiny.store.read(engine, "clicks", EqualTo("dt", SECOND)).collect()] == ["b"]


def test_a_table_that_was_never_written_is_empty(tiny, engine):
    assert tiny.store.rows("clicks") == []
    assert tiny.store.read(engine, "clicks").collect() == []
    assert (tiny.store.days("clicks"), tiny.store.snapshot("clicks")) == ([], None)


def test_an_unknown_table_names_the_known_ones(tiny):
    with pytest.raises(StoreError, match=r"no table `click`\. Known: .*clicks"):
        tiny.store.table("click")


def test_a_column_that_the_description_gains_is_empty_in_old_rows(make_workspace, engine):
    from dataclasses import replace

    old = make_workspace("click_log")
    columns = {"dt": FIRST, "arrived": FIRST, "impression_id": "old", "event_time": None}
    old.store.replace_rows("impressions", EqualTo("dt", FIRST), [columns | {"slot": "top"}])
    content = yaml.safe_load(yaml.safe_dump(old.dataset.model_dump(mode="json")))
    content["impressions"]["context"]["categorical"].append("device")
    wider = replace(old, dataset=Dataset.model_validate(content))
    new = columns | {"dt": SECOND, "arrived": SECOND, "impression_id": "new", "slot": "side", "device": "phone"}
    wider.store.replace_rows("impressions", EqualTo("dt", SECOND), [new])
    read = {
        row["impression_id"]: (row["slot"], row["device"]) for row in wider.store.read(engine, "impressions").collect()
    }
    assert read == {"old": ("top", None), "new": ("side", "phone")}
    assert len(rows_of(wider, "impressions")) == 2


def test_a_damaged_catalog_is_an_error_that_says_what_to_check(tiny):
    tiny.home.path.mkdir(parents=True)
    tiny.home.catalog.write_bytes(b"this is no database, whatever its name says" * 50)
    with pytest.raises(StoreError, match=r"catalog .*catalog\.db cannot be opened: .*`ctr repair` makes it anew"):
        _ = tiny.store


def test_two_stores_on_one_catalog_see_each_others_commits(tiny, clicks):
    other = Store.open(
        namespace=tiny.dataset.name,
        uri=f"sqlite:///{tiny.home.catalog}",
        warehouse=f"file://{tiny.home.warehouse}",
        properties={},
        dataset=tiny.dataset,
    )
    tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a")))
    other.replace("clicks", EqualTo("dt", SECOND), clicks((SECOND, "b")))
    assert ids(tiny) == ["a", "b"]


def test_replacing_a_day_again_and_again_leaves_few_manifests(tiny, clicks):
    for _ in range(10):
        tiny.store.replace("clicks", EqualTo("dt", FIRST), clicks((FIRST, "a")))
    table = tiny.store.table("clicks")
    assert len(table.current_snapshot().manifests(table.io)) == 2  # of the rows that came, and of those that went
    assert ids(tiny) == ["a"]
