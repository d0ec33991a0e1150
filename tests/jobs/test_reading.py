from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from landing_files import FIRST, impression, land
from pyiceberg.expressions import AlwaysTrue, EqualTo

from conf.errors import NotReady, SettingsError
from jobs.cli.store import days_between
from jobs.ingest import ingest
from jobs.reading import rows, tables
from jobs.store_display import cell, size
from jobs.training_set import measure, of_snapshot, of_version, write

SECOND = FIRST + timedelta(days=1)
GUIDE = Path(__file__).parents[2] / "docs" / "store.md"


@pytest.fixture
def two_nights(tiny):
    for night in (FIRST, SECOND):
        land(tiny.data, night, impressions=[impression(f"{night}-{number}", night) for number in range(3)], clicks=[])
        ingest(tiny, night)
    return tiny


def example(name, day=FIRST, clicked=0):
    return {"dt": day, "arrived": day, "impression_id": name, "user_id": "u1", "ad_id": "a1", "clicked": clicked}


def put_examples(workspace, found):
    columns = workspace.store.specs["training_examples"].columns
    full = [dict.fromkeys(columns) | row for row in found]
    workspace.store.replace_rows("training_examples", AlwaysTrue(), full)
    return workspace.store.snapshot("training_examples")


def trained(workspace, version, snapshot, split):
    columns = workspace.store.specs["trainings"].columns
    row = dict.fromkeys(columns) | {"dt": SECOND, "version": version, "snapshot": snapshot, "split": split}
    workspace.store.replace_rows("trainings", EqualTo("dt", SECOND), [row])


def test_each_table_tells_its_size_and_what_a_row_is(two_nights):
    found = {one.table: one for one in tables(two_nights)}
    impressions = found["impressions"]
    assert (impressions.row, impressions.partition) == ("one shown ad", ("dt", "arrived"))
    assert (impressions.rows, impressions.days, impressions.first_day, impressions.last_day) == (6, 2, FIRST, SECOND)
    assert impressions.files == 2 and impressions.bytes > 0
    assert impressions.to_dict()["snapshot"] == str(two_nights.store.snapshot("impressions"))
    assert (found["predictions"].rows, found["predictions"].snapshot) == (0, None)


def test_rows_are_chosen_by_day_column_number_and_snapshot(two_nights):
    found = rows(two_nights, "impressions", day=SECOND, columns=["slot", "dt"], limit=2)
    assert found.to_pylist() == [{"slot": "top", "dt": SECOND}] * 2
    first = two_nights.store.table("impressions").history()[0].snapshot_id
    assert set(rows(two_nights, "impressions", snapshot=first)["dt"].to_pylist()) == {FIRST}
    assert rows(two_nights, "predictions", columns=["p_click"]).schema.names == ["p_click"]


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ({"name": "impresions"}, "Did you mean `impressions`"),
        ({"name": "impressions", "columns": ["user"]}, "Did you mean `user_id`"),
        ({"name": "impressions", "columns": ["zzz"]}, "Known: dt, arrived"),
        ({"name": "impressions", "snapshot": 17}, "has no snapshot 17"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(two_nights, asked, hint):
    with pytest.raises(SettingsError, match=re.escape(hint)):
        rows(two_nights, **asked)


def test_a_training_set_is_the_same_after_the_table_has_changed(tiny):
    split = json.dumps({"train": [str(FIRST)], "validation": [str(SECOND)], "holdout": []})
    snapshot = put_examples(tiny, [example("i1"), example("i2", clicked=1), example("i3", SECOND)])
    trained(tiny, "1", snapshot, split)
    before = measure(tiny, of_version(tiny, "1")).to_dict()
    put_examples(tiny, [example("i1"), example("i2"), example("i4"), example("i3", SECOND)])
    after = measure(tiny, of_version(tiny, "1")).to_dict()
    assert after == before
    rows_by_part = {part["part"]: part["rows"] for part in after["parts"]}
    assert rows_by_part == {"train": 2, "validation": 1, "holdout": 0}
    latest = measure(tiny, of_snapshot(tiny, tiny.store.snapshot("training_examples"), [FIRST, SECOND]))
    assert latest.to_dict()["digest"] != before["digest"]


def test_a_digest_does_not_depend_on_the_order_of_rows(tiny):
    found = [example("i1"), example("i2", clicked=1)]
    one, other = (put_examples(tiny, order) for order in (found, found[::-1]))
    digests = [measure(tiny, of_snapshot(tiny, snapshot, [FIRST])).whole for snapshot in (one, other)]
    assert digests[0] == digests[1]


def test_a_digest_tells_a_value_in_one_column_from_the_same_in_another(tiny):
    one = put_examples(tiny, [example("i1") | {"slot": "x", "campaign_id": None}])
    other = put_examples(tiny, [example("i1") | {"slot": None, "campaign_id": "x"}])
    digests = [measure(tiny, of_snapshot(tiny, snapshot, [FIRST])).whole for snapshot in (one, other)]
    assert digests[0] != digests[1]


def test_a_training_set_is_written_with_the_part_of_each_row(tiny, tmp_path):
    split = json.dumps({"train": [str(FIRST)], "validation": [], "holdout": [str(SECOND)]})
    trained(tiny, "1", put_examples(tiny, [example("i1"), example("i3", SECOND)]), split)
    assert write(tiny, of_version(tiny, "1"), tmp_path / "rows.parquet") == 2
    found = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [(row["part"], row["impression_id"]) for row in found] == [("train", "i1"), ("holdout", "i3")]


def test_a_version_that_does_not_exist_or_kept_no_days_is_an_error(tiny):
    with pytest.raises(SettingsError, match="Nothing has been trained yet"):
        of_version(tiny, "1")
    trained(tiny, "1", None, None)
    with pytest.raises(NotReady, match="Train it again"):
        of_version(tiny, "1")


def test_days_are_written_as_first_and_last():
    assert days_between(f"{FIRST}..{SECOND}") == [FIRST, SECOND]
    with pytest.raises(SettingsError, match=r"2026-01-01\.\.2026-01-07"):
        days_between("yesterday")


def test_values_are_told_briefly():
    assert [cell(value) for value in (None, 0.123456789, "x" * 30)] == ["-", "0.123457", "x" * 27 + "…"]
    assert [size(count) for count in (999, 1000, 2_500_000)] == ["999 B", "1.0 kB", "2.5 MB"]


def snippets(*sections: str) -> str:
    """The code of some sections of the guide, the opening one in front."""
    parts = re.split(r"^## ", GUIDE.read_text(encoding="utf-8"), flags=re.M)
    chosen = [parts[0], *(part for part in parts[1:] if part.splitlines()[0] in sections)]
    return "\n".join(code for part in chosen for code in re.findall(r"```python\n(.*?)```", part, flags=re.S))


@pytest.fixture
def predicted(make_workspace):
    """A home with predictions of two days, written day by day; the data set is named as in the guide."""
    workspace = make_workspace("click_log")
    named = workspace.__class__(
        workspace.home, workspace.settings, workspace.dataset.model_copy(update={"name": "simulated"}), workspace.data
    )
    for day, p in ((FIRST.replace(day=2), 0.25), (FIRST.replace(day=3), 0.5)):
        columns = named.store.specs["predictions"].columns
        rows = [dict.fromkeys(columns) | {"dt": day, "pair_id": f"p{n}", "p_click": p} for n in range(2)]
        named.store.replace_rows("predictions", EqualTo("dt", day), rows)
    return named


def run_snippets(workspace, *sections):
    space: dict = {"home": workspace.home.path}
    exec(compile(snippets(*sections), str(GUIDE), "exec"), space)
    return space


def test_the_guide_reads_with_arrow_and_pandas(predicted):
    space = run_snippets(predicted, "Arrow", "pandas")
    assert space["rows"].column_names == ["pair_id", "p_click"] and space["rows"].num_rows == 2
    assert space["likeliest"]["p_click"].tolist() == [0.5, 0.5]


def test_the_guide_reads_an_earlier_snapshot(predicted):
    assert run_snippets(predicted, "An earlier snapshot")["then"].num_rows == 2


def test_the_guide_reads_with_polars(predicted):
    pytest.importorskip("polars")
    assert run_snippets(predicted, "Polars")["by_day"]["p_click"].to_list() == [0.25, 0.5]


def test_the_guide_reads_with_duckdb(predicted):
    pytest.importorskip("duckdb")
    assert [row[1:] for row in run_snippets(predicted, "DuckDB")["per_day"]] == [(2, 0.25), (2, 0.5)]
