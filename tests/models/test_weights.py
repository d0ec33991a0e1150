"""The largest weights of a linear model, by the names of numbers and categories."""

from __future__ import annotations

import pytest

from models.batches import TableBatches
from models.bundle import train_bundle
from models.weights import largest_weights


@pytest.fixture
def trained(impressions, columns, settings):
    def train(kind):
        return train_bundle(
            kind, settings, columns, TableBatches(impressions(6000, 1)), TableBatches(impressions(500, 2))
        )

    return train


def test_the_category_and_the_rate_that_make_the_clicks_come_first_with_their_sign(trained, impressions):
    found = largest_weights(trained("logistic_regression"), impressions(3000, 3), 30)
    effects = {weight.name: weight.effect for weight in found}
    assert {"site=games", "ad_ctr"} <= set(list(effects)[:4])
    assert effects["site=games"] > 0.2 and effects["ad_ctr"] > 0.2 and effects["hour"] > 0.05
    assert abs(effects["site=games"]) > 3 * abs(effects["device=desk"])
    assert [abs(weight.effect) for weight in found] == sorted((abs(one.effect) for one in found), reverse=True)


def test_a_weight_is_what_the_model_adds_where_the_category_holds(trained, impressions, columns):
    import numpy as np
    import pyarrow as pa

    bundle, rows = trained("logistic_regression"), impressions(2000, 3)
    crosses = {weight.name: weight.effect for weight in largest_weights(bundle, rows, 99)}
    news = rows.set_column(rows.schema.get_field_index("site"), "site", pa.array(["news"] * rows.num_rows))
    games = rows.set_column(rows.schema.get_field_index("site"), "site", pa.array(["games"] * rows.num_rows))
    odds = [np.log(p / (1 - p)) for p in (bundle.predict(news), bundle.predict(games))]
    phone = np.array(rows["device"].to_pylist()) == "phone"
    expected = crosses["site=games"] - crosses["site=news"]
    expected += crosses["site=games, device=phone"] - crosses["site=news, device=phone"]
    assert (odds[1] - odds[0])[phone] == pytest.approx(expected, abs=1e-4)


def test_hidden_columns_are_named_nowhere(trained, impressions):
    found = largest_weights(trained("mix"), impressions(2000, 3), 99, hidden=("device",))
    assert found and not [weight for weight in found if "device" in weight.name]


def test_a_model_without_a_linear_part_has_no_weights(trained, impressions):
    assert largest_weights(trained("xgboost"), impressions(100, 3), 10) == []
