import numpy as np
import pytest
from sklearn.metrics import log_loss as reference_log_loss
from sklearn.metrics import roc_auc_score

from models.calibration import expected_calibration_error
from models.intervals import (
    ece_interval,
    mean_ne_difference_interval,
    mean_ne_interval,
    ne_difference_interval,
    ne_interval,
)
from models.metrics import (
    MOST_VALUES,
    OTHERS,
    Evaluation,
    auc,
    calibration_ratio,
    evaluation,
    evaluation_by_slice,
    log_loss,
    normalised_entropy,
)
from models.probability import probability

P = np.array([0.1, 0.4, 0.4, 0.8, 0.2])
Y = np.array([0, 1, 0, 1, 0])


def test_the_base_rate_has_ne_1() -> None:
    assert normalised_entropy(np.full(5, 0.4), Y) == pytest.approx(1.0, abs=1e-12)


def test_log_loss_and_auc_agree_with_scikit_learn() -> None:
    assert log_loss(P, Y) == pytest.approx(reference_log_loss(Y, P), abs=1e-12)
    assert auc(P, Y) == pytest.approx(roc_auc_score(Y, P), abs=1e-12)


def test_calibration_ratio_is_predicted_over_observed() -> None:
    assert calibration_ratio(P, Y) == pytest.approx(1.9 / 2)


@pytest.mark.parametrize("label", [0, 1])
def test_one_label_leaves_ne_and_auc_undefined(label: int) -> None:
    found = evaluation(np.array([0.2, 0.4]), np.array([label, label]))
    assert found.ne is None
    assert found.auc is None
    assert found.log_loss is not None
    assert (found.calibration_ratio is None) == (label == 0)


def test_no_rows_leave_all_but_the_counts_undefined() -> None:
    assert evaluation(np.empty(0), np.empty(0)) == Evaluation(0, 0, None, None, None, None, None, None)


def test_a_certain_and_wrong_prediction_costs_much_but_not_infinity() -> None:
    assert log_loss(np.array([0.0]), np.array([1])) == pytest.approx(-np.log(1e-6))


@pytest.mark.parametrize("p", [np.full(1000, 0.0731), np.random.default_rng(3).beta(1, 15, 1000)])
def test_the_order_of_rows_does_not_change_a_digit(p: np.ndarray) -> None:
    random = np.random.default_rng(4)
    y = (random.random(len(p)) < p).astype(int)
    orders = [random.permutation(len(p)) for _ in range(20)]
    assert {evaluation(p[order], y[order]) for order in orders} == {evaluation(p, y)}


def test_slices_are_evaluated_alone_and_null_is_a_slice() -> None:
    found = evaluation_by_slice(P, Y, {"site": ["a", "a", "b", "b", None]})
    assert [(part.slice_value, part.evaluation.impressions) for part in found] == [("a", 2), ("b", 2), ("missing", 1)]
    assert found[0].evaluation == evaluation(P[:2], Y[:2])


def test_rare_values_of_a_column_of_many_are_one_slice() -> None:
    sites = [f"s{number:04}" for number in range(MOST_VALUES + 50)]
    values = [*sites, *sites[-30:]]
    p, y = np.full(len(values), 0.3), np.arange(len(values)) % 2
    found = {part.slice_value: part.evaluation.impressions for part in evaluation_by_slice(p, y, {"site": values})}
    assert found == dict.fromkeys(sites[-30:], 2) | dict.fromkeys(sites[: MOST_VALUES - 30], 1) | {OTHERS: 50}


def _clustered(clusters: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    users = np.repeat(np.arange(clusters), 20)
    logit = -1.5 + random.normal(0, 0.7, clusters)[users]
    y = (random.random(len(users)) < 1 / (1 + np.exp(-logit))).astype(float)
    return users, random.uniform(0.1, 0.4, len(users)), y


def test_limits_hold_the_true_ne_about_as_often_as_promised() -> None:
    _, p, y = _clustered(20_000, seed=0)
    truth = normalised_entropy(p, y)
    assert truth is not None
    intervals = [ne_interval(p, y, users) for users, p, y in (_clustered(60, seed) for seed in range(1, 301))]
    covered = sum(found is not None and found.low <= truth <= found.high for found in intervals)
    assert 0.90 <= covered / 300 <= 0.99


def test_repeating_rows_within_clusters_does_not_narrow_the_limits() -> None:
    users, p, y = _clustered(50, seed=1)
    once = ne_interval(p, y, users)
    thrice = ne_interval(np.tile(p, 3), np.tile(y, 3), np.tile(users, 3))
    assert once is not None and thrice is not None
    assert thrice.high - thrice.low == pytest.approx(once.high - once.low)


def test_a_paired_difference_is_sharper_than_its_members() -> None:
    users, p, y = _clustered(200, seed=2)
    better = np.clip(p * 0.9 + 0.1 * y, 0.01, 0.99)
    difference, alone = ne_difference_interval(better, p, y, users), ne_interval(p, y, users)
    assert difference is not None and alone is not None
    assert difference.high < 0.0
    assert difference.high - difference.low < alone.high - alone.low


def test_equal_models_differ_by_exactly_nothing() -> None:
    users, p, y = _clustered(20, seed=3)
    found = ne_difference_interval(p, p, y, users)
    assert found is not None
    assert (found.estimate, found.low, found.high, found.clusters) == (0.0, 0.0, 0.0, 20)


def test_one_cluster_or_one_label_has_no_limits() -> None:
    assert ne_interval(P, Y, ["u"] * 5) is None
    assert ne_interval(P, np.zeros(5), list("abcde")) is None


def test_a_mean_over_days_is_the_mean_of_the_days_and_users_count_once() -> None:
    days = [_clustered(60, seed) for seed in (1, 2, 3, 4)]
    days = [(p, y, users) for users, p, y in days]
    found = mean_ne_interval(days)
    alone = [ne_interval(*day) for day in days]
    assert found is not None
    assert found.estimate == pytest.approx(np.mean([day.estimate for day in alone if day]))
    assert found.clusters == 60
    repeated, once = mean_ne_interval([days[0], days[0]]), alone[0]
    assert once is not None and repeated is not None
    assert repeated.high == pytest.approx(once.high)


def test_the_mean_difference_of_a_model_from_itself_is_zero() -> None:
    users, p, y = _clustered(60, 1)
    found = mean_ne_difference_interval([(p, p, y, users)] * 2)
    assert found is not None
    assert (found.low, found.estimate, found.high) == (0.0, 0.0, 0.0)
    assert mean_ne_difference_interval([]) is None


@pytest.mark.parametrize(("shift", "slope", "error"), [(0.0, 1.0, 0.0), (0.3, 0.8, 0.0129)])
def test_limits_of_the_calibration_error_hold_it_though_chance_makes_it_larger(
    shift: float, slope: float, error: float
) -> None:
    random = np.random.default_rng(3)
    held, estimates = [], []
    for _ in range(60):
        x, users = random.normal(size=5000), random.integers(0, 500, 5000)
        y = (random.random(5000) < probability(x - 3.0)).astype(float)
        found = ece_interval(probability(slope * x - 3.0 + shift), y, users)
        estimates.append(found.estimate)
        held.append(found.low <= error <= found.high)
    assert np.mean(estimates) > error  # what the limits have to see through
    assert np.mean(held) >= 0.85
    assert found.estimate == pytest.approx(expected_calibration_error(probability(slope * x - 3.0 + shift), y))


def test_the_calibration_error_of_a_single_user_has_no_limits() -> None:
    assert ece_interval(P, Y, ["u"] * 5) is None
