import numpy as np
import pyarrow as pa
import pytest

from conf.errors import SettingsError
from models.batches import TableBatches
from models.downsampling import DownsampledBatches, corrected_for_sampling, shift_to_clicks
from models.probability import log_odds, probability


def _rows(count: int) -> pa.Table:
    return pa.table(
        {"impression_id": [f"i{row}" for row in range(count)], "clicked": [row % 10 == 0 for row in range(count)]}
    )


def _kept(table: pa.Table, rate: float, batch_rows: int = 65_536) -> pa.Table:
    return pa.Table.from_batches(list(DownsampledBatches(TableBatches(table, batch_rows), rate)))


def test_every_click_and_about_the_asked_share_of_the_rest_are_kept() -> None:
    clicked = np.array(_kept(_rows(20_000), 0.25)["clicked"])
    assert clicked.sum() == 2000
    assert abs((~clicked).sum() - 0.25 * 18_000) < 4 * np.sqrt(18_000 * 0.25 * 0.75)


def test_what_is_kept_does_not_depend_on_batches_or_neighbours() -> None:
    rows = _rows(2000)
    alone = _kept(rows.slice(500, 300), 0.5)["impression_id"].to_pylist()
    among = [row for row in _kept(rows, 0.5, batch_rows=77)["impression_id"].to_pylist() if 500 <= int(row[1:]) < 800]
    assert alone == among


def test_a_smaller_share_is_part_of_a_larger_one() -> None:
    small, large = (set(_kept(_rows(2000), rate)["impression_id"].to_pylist()) for rate in (0.1, 0.3))
    assert small < large


def test_the_correction_is_exact() -> None:
    q, w = np.array([0.001, 0.02, 0.5]), 0.1
    clicks, others = q, 1.0 - q
    p_among_sampled = clicks / (clicks + w * others)
    assert np.allclose(corrected_for_sampling(p_among_sampled, w), q, rtol=1e-14)


def test_without_sampling_the_correction_changes_nothing() -> None:
    p = np.array([0.0, 0.013, 0.7, 1.0])
    assert np.array_equal(corrected_for_sampling(p, 1.0), p)


def test_a_model_too_timid_among_sampled_rows_keeps_the_clicks_of_all_rows() -> None:
    random, rate = np.random.default_rng(3), 0.05
    log_odds_of_click = random.normal(-3.5, 1.0, 1_000_000)
    y = (random.random(len(log_odds_of_click)) < probability(log_odds_of_click)).astype(float)
    kept = (y == 1.0) | (random.random(len(y)) < rate)
    middle = log_odds(np.array([y[kept].mean()]))
    timid = middle + 0.5 * (log_odds_of_click - log_odds_of_click[kept].mean())
    q = corrected_for_sampling(probability(timid), rate)
    assert q.sum() < 0.95 * y.sum()
    shift = shift_to_clicks(q[kept], y[kept], np.ones(kept.sum()), rate)
    assert probability(log_odds(q) + shift).sum() == pytest.approx(y.sum(), rel=0.02)


def test_nothing_is_shifted_where_all_rows_have_one_label() -> None:
    assert shift_to_clicks(np.array([0.2, 0.4]), np.zeros(2), np.ones(2), 0.5) == 0.0


@pytest.mark.parametrize("rate", [0.0, -0.1, 1.1])
def test_a_rate_outside_0_to_1_is_refused(rate: float) -> None:
    with pytest.raises(SettingsError, match="sampling rate"):
        DownsampledBatches(TableBatches(_rows(1)), rate)
