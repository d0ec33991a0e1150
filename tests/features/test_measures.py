from __future__ import annotations

from datetime import date, timedelta

import pytest

from conf.dataset import Dataset, load_dataset
from features.histories import counts_learned, history_feature_names, measure_sums, windowed
from features.parse import parsed_impressions
from features.point_in_time import with_histories
from jobs.feature_list import model_columns
from jobs.store.schemas import specs

DAY = date(2026, 1, 10)
YESTERDAY = DAY - timedelta(days=1)


@pytest.fixture(scope="module")
def measured(inline) -> Dataset:
    """The log that carries its label, keeping seconds watched (capped, on a log scale) of users."""
    content = inline.model_dump()
    content["impressions"]["measures"] = {"seconds": {"columns": ["watched"], "over": 1000, "cap": 10}}
    content["histories"]["user"]["measures"] = ["seconds"]
    return Dataset.model_validate(content)


def learned(table, dataset, night, *examples):
    """What a night learned, from examples (shown, arrived, seconds)."""
    schema = "dt date, arrived date, click_arrived date, user_id string, ad_id string, tab string, seconds double"
    rows = [[shown, arrived, None, "u", "a", "1", seconds] for shown, arrived, seconds in examples]
    return counts_learned(table(schema, rows), night, dataset)


def test_an_outcome_is_learned_on_the_night_its_impression_arrived(table, measured):
    examples = ((YESTERDAY, YESTERDAY, 4.0), (YESTERDAY, DAY, 2.0), (DAY, DAY, None))
    nights = {night: learned(table, measured, night, *examples).collect() for night in (YESTERDAY, DAY)}
    sums = {night: {(row["history"], row["dt"]): row["sum_seconds"] for row in rows} for night, rows in nights.items()}
    assert sums[YESTERDAY]["user", YESTERDAY] == sums[YESTERDAY]["all", YESTERDAY] == 4.0
    assert sums[DAY]["user", YESTERDAY] == 2.0
    assert sums[DAY]["user", DAY] == 0.0
    assert sums[DAY]["ad", YESTERDAY] == 0.0  # the ad's history does not keep it


def test_outcomes_of_a_day_never_enter_the_features_of_that_day(table, measured):
    counts = learned(table, measured, DAY, (DAY, DAY, 9.0))
    assert windowed(counts, DAY, (1, 3, 7), measure_sums(measured)).collect() == []
    tomorrow = windowed(counts, DAY + timedelta(days=1), (1, 3, 7), measure_sums(measured)).collect()
    assert {row["history"]: row["sum_seconds"] for row in tomorrow if row["history"] in ("all", "user")} == {
        "all": 9.0,
        "user": 9.0,
    }


def test_the_mean_of_earlier_days_leans_on_the_mean_of_all(table, measured):
    schema = "key string, impressions_1d double, clicks_1d double, impressions_3d double, clicks_3d double, "
    schema += "impressions_7d double, clicks_7d double, sum_seconds double, last_day date"
    known = {"all": [["all", *[100.0, 10.0] * 3, 300.0, YESTERDAY]], "user": [["u", *[5.0, 1.0] * 3, 30.0, YESTERDAY]]}
    pairs = table("dt date, user_id string, ad_id string, tab string", [[DAY, "u", "a", "1"], [DAY, "new", "a", "1"]])
    rows = with_histories(pairs, lambda name: table(schema, known.get(name, [])), measured).collect()
    found = {row["user_id"]: row["user__mean_seconds"] for row in rows}
    assert found == {"u": pytest.approx((30 + 20 * 3.0) / (5 + 20)), "new": pytest.approx(3.0)}


def test_a_measure_is_summed_divided_and_capped_and_missing_where_it_cannot_be_read(table, measured):
    values = ["2500", "99000", "-5", "", "text"]
    landed = [
        ["u", "a", str(1_768_000_000_000 + n), "1", "0", value, "f", n, None, None] for n, value in enumerate(values)
    ]
    schema = (
        "user string, ad string, time_ms string, tab string, click string, watched string, _file string, _row long, "
    )
    rows = parsed_impressions(table(schema + "_text string, _reject string", landed), measured, ["user"]).collect()
    assert [row["seconds"] for row in rows] == [2.5, 10.0, 0.0, None, None]


@pytest.mark.parametrize("name", ["kuairand", "simulated"])
def test_no_outcome_of_a_row_is_among_its_features(name):
    dataset = load_dataset(name)
    own = {*dataset.impressions.outcomes, *dataset.impressions.measures, dataset.inline_label_column}
    assert not own & set(model_columns(dataset).all)
    assert not own & set(specs(dataset)["training_examples"].columns)
    assert set(history_feature_names(dataset)) <= set(specs(dataset)["training_examples"].columns)


def test_a_measure_of_something_else_than_outcomes_is_refused(inline):
    content = inline.model_dump()
    content["impressions"]["measures"] = {"seconds": {"columns": ["click"]}}
    with pytest.raises(ValueError, match="`click` must be named in `outcomes`"):
        Dataset.model_validate(content)
