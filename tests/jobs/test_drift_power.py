"""The study of the nightly decision: what counts as right, and one whole trial with an outage."""

from __future__ import annotations

from datetime import timedelta

import pytest
from learnable import day

from conf.settings import Settings
from jobs.drift_power import Answered, NightAnswer, Trial, drift_power


def night(number, verdict="ok", cause="none", promoted=None):
    return NightAnswer(day(number), verdict, cause, ("why",), promoted)


def answered(scenario, *nights):
    return Answered(scenario, 7, day(1), nights)


@pytest.mark.parametrize(
    ("nights", "right", "waited"),
    [
        ((night(0), night(1), night(2, "retrain", "shift", True)), True, 1),
        ((night(0), night(1, "retrain", "shift", False)), True, 0),
        ((night(0), night(1), night(2), night(3), night(4, "retrain", "shift")), False, 3),
        ((night(0), night(1, "retrain", "decay"), night(2, "retrain", "shift")), False, 0),
        ((night(0, "retrain", "shift"), night(1), night(2)), False, None),
        ((night(0), night(1, "watch", "shift")), False, None),
        ((night(0), night(1, "blocked", "broken_input")), False, 0),
    ],
)
def test_the_first_alarm_has_to_come_in_time_with_the_right_cause(nights, right, waited):
    found = answered("covariate_drift", *nights)
    assert (found.right, found.nights_until) == (right, waited)


def test_every_alarm_is_false_where_nothing_changes():
    outage = answered("outage", night(0), night(1, "blocked", "broken_input"))
    assert (outage.false_alarms, outage.calm_nights, outage.trainings) == (0, 0, 0)
    calm = answered("calm", night(0), night(1, "watch", "decay"), night(2, "retrain", "new_ads", False))
    assert (calm.false_alarms, calm.calm_nights, calm.trainings) == (1, 3, 1)


def test_an_outage_is_answered_in_nights_that_are_really_run(tmp_path):
    promotion = {
        "confidence": 0.51,
        "min_calibration_ratio": 0.1,
        "max_calibration_ratio": 10.0,
        "max_slice_harm": 10.0,
    }
    training = {"models": ["logistic_regression"], "model": {"logistic": {"max_iterations": 5}}}
    settings = Settings.model_validate({"promotion": promotion, "training": training})
    trial, said = Trial(tmp_path / "trial", 7, 1500, 1.0, settings), []
    [found] = drift_power([trial], ["outage"], calm_nights=1, recoveries=0, on_step=said.append)
    assert found.right
    assert found.nights_until == 0
    assert [one.day for one in found.nights] == [trial.begins + timedelta(days=number) for number in (-1, 0, 1, 2)]
    assert "impressions are" in found.first_alarm.reasons[0]
    assert said == ["seed 7: calm nights until a champion serves", "seed 7: outage"]
    assert not trial.folder.exists()
