"""How fast a model forgets, and who chooses it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from models.batches import TableBatches, weights_of
from models.bundle import train_bundle
from models.columns import FeatureColumns
from models.recency import RecencyWeighted, better_beyond_noise, latest_day
from models.settings import ModelSettings

Impressions = Callable[[int, int], pa.Table]


def _on(day: date, rows: pa.Table) -> pa.Table:
    days = pa.array([day] * rows.num_rows, pa.date32())
    return rows.set_column(rows.schema.get_field_index("dt"), "dt", days)


def _turned(rows: pa.Table) -> pa.Table:
    """The same impressions in a world where clicks happen where they did not."""
    clicked = np.asarray(rows["clicked"])
    return rows.set_column(rows.schema.get_field_index("clicked"), "clicked", pa.array(1 - clicked))


def test_a_day_weighs_half_of_the_day_that_follows_a_half_life_later() -> None:
    rows = TableBatches(pa.table({"dt": pa.array([date(2024, 5, 1), date(2024, 5, 8), date(2024, 5, 15)])}))
    (batch,) = RecencyWeighted(rows, latest_day(rows) or date.min, 7.0)
    weights = weights_of(batch)
    assert weights is not None
    assert weights.tolist() == [0.25, 0.5, 1.0]


def test_without_a_half_life_rows_carry_no_weight() -> None:
    (batch,) = RecencyWeighted(TableBatches(pa.table({"dt": [date(2024, 5, 1)]})), date(2024, 5, 1), 0.0)
    assert weights_of(batch) is None


def test_a_world_that_turned_round_gets_a_short_memory(
    impressions: Impressions, columns: FeatureColumns, settings: ModelSettings
) -> None:
    before = pa.concat_tables([_on(date(2024, 5, day), impressions(1500, day)) for day in range(1, 9)])
    after = pa.concat_tables([_on(date(2024, 5, day), _turned(impressions(1500, day))) for day in (9, 10)])
    train = TableBatches(pa.concat_tables([before, after]))
    turned = TableBatches(_on(date(2024, 5, 12), _turned(impressions(3000, 12))))
    forgetful = train_bundle("logistic_regression", settings, columns, train, turned)
    assert forgetful.summary["half_life_days"] == 3.0
    elephant = replace(settings, half_life_days=(0.0,))
    remembering = train_bundle("logistic_regression", elephant, columns, train, turned)
    assert forgetful.summary["validation_ne"] < remembering.summary["validation_ne"] - 0.02


def test_a_steady_world_keeps_the_long_memory(
    impressions: Impressions, columns: FeatureColumns, settings: ModelSettings
) -> None:
    train = TableBatches(pa.concat_tables([_on(date(2024, 5, day), impressions(1500, day)) for day in range(1, 9)]))
    steady = TableBatches(_on(date(2024, 5, 10), impressions(3000, 12)))
    bundle = train_bundle("logistic_regression", settings, columns, train, steady)
    assert bundle.summary["half_life_days"] == 0.0


def test_a_gain_within_its_own_error_is_chance() -> None:
    random = np.random.default_rng(3)
    losses = random.uniform(0.1, 0.5, 1000)
    assert better_beyond_noise(losses - 0.1, than=losses)
    assert not better_beyond_noise(losses, than=losses + random.normal(0.0, 1.0, 1000) - 0.01)
    assert not better_beyond_noise(losses, than=losses)
