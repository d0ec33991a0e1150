import numpy as np
import pytest

from conf.errors import StoreError
from models.calibration import (
    IdentityCalibrator,
    IsotonicCalibrator,
    PlattCalibrator,
    calibrator_from_json,
    expected_calibration_error,
    fit_calibrator,
    reliability_curve,
)
from models.metrics import calibration_ratio
from models.probability import log_odds, probability

RANDOM = np.random.default_rng(11)
TRUTH = RANDOM.uniform(0.01, 0.5, 40_000)
CLICKED = (RANDOM.random(40_000) < TRUTH).astype(float)


def test_platt_finds_a_known_distortion() -> None:
    distorted = probability((log_odds(TRUTH) - 0.4) / 1.3)
    fitted = PlattCalibrator.fit(distorted, CLICKED)
    assert fitted.slope == pytest.approx(1.3, abs=0.05)
    assert fitted.shift == pytest.approx(0.4, abs=0.06)


def test_platt_stays_near_the_identity_on_little_evidence() -> None:
    fitted = PlattCalibrator.fit(np.array([0.1, 0.2, 0.3]), np.array([1.0, 1.0, 1.0]))
    assert abs(fitted.slope - 1.0) < 0.5
    assert abs(fitted.shift) < 0.5


def test_platt_never_turns_the_order_round() -> None:
    assert PlattCalibrator.fit(1.0 - TRUTH, CLICKED).slope > 0.0


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_calibration_repairs_the_ratio_and_the_error(method: str) -> None:
    distorted = TRUTH**1.5
    calibrated = fit_calibrator(method, distorted[:20_000], CLICKED[:20_000]).apply(distorted[20_000:])  # type: ignore[arg-type]
    held_out = CLICKED[20_000:]
    assert calibration_ratio(calibrated, held_out) == pytest.approx(1.0, abs=0.05)
    before, after = (expected_calibration_error(p, held_out) for p in (distorted[20_000:], calibrated))
    assert before is not None and after is not None
    assert after < before / 4


def test_isotonic_is_monotone_and_never_certain() -> None:
    fitted = IsotonicCalibrator.fit(TRUTH, (TRUTH > 0.25).astype(float))
    applied = fitted.apply(np.linspace(0, 1, 200))
    assert (np.diff(applied) >= 0).all()
    assert applied.min() > 0.0 and applied.max() < 1.0


@pytest.mark.parametrize("method", ["identity", "platt", "isotonic"])
def test_calibrators_survive_json(method: str) -> None:
    fitted = fit_calibrator(method, TRUTH, CLICKED)  # type: ignore[arg-type]
    assert calibrator_from_json(fitted.to_json()) == fitted


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(StoreError, match="beta"):
        calibrator_from_json({"method": "beta"})


def test_without_rows_nothing_is_calibrated() -> None:
    assert fit_calibrator("platt", np.empty(0), np.empty(0)) == IdentityCalibrator()


def test_a_reliability_curve_keeps_equal_predictions_together() -> None:
    curve = reliability_curve(np.array([0.1, 0.1, 0.1, 0.9]), np.array([0, 0, 1, 1]), bins=4)
    assert curve.rows.tolist() == [3, 1]
    assert np.allclose(curve.predicted, [0.1, 0.9])
    assert np.allclose(curve.observed, [1 / 3, 1.0])


def test_the_calibration_error_of_a_constant_is_its_distance_from_the_rate() -> None:
    assert expected_calibration_error(np.full(4, 0.5), np.array([1, 0, 0, 0])) == pytest.approx(0.25)
    assert expected_calibration_error(np.empty(0), np.empty(0)) is None
