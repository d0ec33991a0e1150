"""Homes and tables of older and newer code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from pyiceberg.expressions import EqualTo

from conf.errors import StoreError
from jobs.store.versions import PROPERTY, SCHEMA_VERSION, mark, version_of_home
from jobs.workspace import open_workspace

DAY = date(2026, 1, 1)


def again(workspace):
    """The same home in another process: nothing of it is known yet."""
    return replace(workspace, settings=workspace.settings)


def one_run(workspace, **values):
    row = dict.fromkeys(workspace.store.specs["runs"].columns) | {"dt": DAY, "step": "ingest", "rows": 1} | values
    workspace.store.replace_rows("runs", EqualTo("dt", DAY), [row])


def altered(workspace, **properties):
    """Give the table `runs` other properties, as other code would."""
    with workspace.store.table("runs").transaction() as transaction:
        transaction.set_properties(properties)


def test_home_and_tables_tell_their_version(tiny):
    one_run(tiny)
    assert version_of_home(tiny.home.marker) == SCHEMA_VERSION
    assert tiny.store.table("runs").properties[PROPERTY] == str(SCHEMA_VERSION)


def test_a_home_from_before_versions_is_brought_up_to_date(tiny):
    one_run(tiny)
    table = tiny.store.table("runs")
    with table.transaction() as transaction:
        transaction.remove_properties(PROPERTY)
        with transaction.update_schema() as update:
            update.delete_column("rows_in").delete_column("peak_mb")
    tiny.home.marker.unlink()

    newer = again(tiny)
    [old] = newer.store.rows("runs")

    assert (old["rows"], old["rows_in"], old["peak_mb"]) == (1, None, None)
    assert version_of_home(tiny.home.marker) == SCHEMA_VERSION
    assert newer.store.table("runs").properties[PROPERTY] == str(SCHEMA_VERSION)
    one_run(newer, rows_in=5)
    assert [row["rows_in"] for row in newer.store.rows("runs")] == [5]


def test_a_newer_home_is_refused_and_left_as_it_is(tiny):
    tiny.home.path.mkdir(parents=True)
    tiny.home.marker.write_text(f'{{"schema_version": {SCHEMA_VERSION + 1}}}')
    with pytest.raises(StoreError, match=r"was written by newer code: its schema version is \d+, and this code knows"):
        _ = tiny.store
    with pytest.raises(StoreError, match="Install that newer code"):
        open_workspace(tiny.home.path)
    assert [file.name for file in tiny.home.path.iterdir()] == ["home.json"]


def test_a_newer_table_is_refused(tiny):
    one_run(tiny)
    altered(tiny, **{PROPERTY: str(SCHEMA_VERSION + 1)})
    with pytest.raises(StoreError, match="Table runs was written by newer code"):
        again(tiny).store.rows("runs")


def test_a_column_that_would_change_its_type_is_refused(tiny):
    one_run(tiny)
    specs = dict(tiny.store.specs)
    specs["runs"] = replace(specs["runs"], columns=dict(specs["runs"].columns) | {"rows": "double"})
    other = replace(again(tiny).store, specs=specs, _seen={})
    with pytest.raises(
        StoreError, match=r"column `rows` holds long, and double is asked for\. A column keeps its type"
    ):
        other.rows("runs")


def test_a_marker_that_cannot_be_read_is_no_reason_to_go_on(tiny):
    tiny.home.path.mkdir(parents=True)
    tiny.home.marker.write_text("{")
    with pytest.raises(StoreError, match="does not tell the home's schema version"):
        mark(tiny.home.marker)
