"""Nothing is learned from input that its own night found broken."""

from __future__ import annotations

import json

import pytest
from learnable import day
from pyiceberg.expressions import EqualTo
from registered_versions import registered

from conf.errors import FeedBlocked
from jobs.backtest import training_days
from jobs.inputs import changes, inputs
from jobs.night import training_request
from jobs.night_facts import broken_columns, rejected_in_a_row
from jobs.train import train
from jobs.training_data import mature_days
from jobs.trainings import trainings
from monitoring.measures import ColumnDrift, DriftMeasures

REASON = "`price` is 100 times what it was in the reference."


def decided(workspace, number, cause, verdict):
    row = {"dt": day(number), "verdict": verdict, "cause": cause, "reasons": json.dumps([REASON]), "facts": "{}"}
    workspace.store.replace_rows("decisions", EqualTo("dt", day(number)), [row])


def test_a_broken_day_is_not_learned_from_and_is_once_it_has_been_cleared(filled):
    everything = [day(number) for number in range(6)]
    before = inputs(filled, "train", day(5))
    assert mature_days(filled, day(5)) == everything
    decided(filled, 2, "broken_input", "blocked")
    assert mature_days(filled, day(5)) == [one for one in everything if one != day(2)]
    assert day(2) not in training_days(filled, day(5)).train
    assert "mature days" in " ".join(changes(before, inputs(filled, "train", day(5))))
    decided(filled, 2, "shift", "watch")
    assert mature_days(filled, day(5)) == everything


def test_a_training_on_a_broken_night_is_refused_with_what_is_broken(filled):
    decided(filled, 5, "broken_input", "blocked")
    with pytest.raises(FeedBlocked, match=r"Nothing is trained on 2026-01-06, whose input is broken:\n`price` is 100"):
        train(filled, training_request(filled, day(5), trigger="weekly"))
    assert trainings(filled) == []


def test_a_training_is_refused_where_the_gate_stopped_the_night(filled):
    folder = filled.reports / "feed"
    folder.mkdir(parents=True)
    failures = [{"severity": "critical", "message": "Too few."}, {"severity": "warning", "message": "Duplicates."}]
    verdict = {"passed": False, "day": str(day(5)), "failures": failures}
    (folder / f"{day(5)}.json").write_text(json.dumps(verdict), encoding="utf-8")
    with pytest.raises(FeedBlocked, match=r"broken:\nToo few.$"):
        train(filled, training_request(filled, day(5), trigger="weekly"))
    assert train(filled, training_request(filled, day(4), trigger="weekly")).detail["version"] == "1"


def test_columns_that_are_gone_or_rescaled_are_told_with_what_to_do():
    price = ColumnDrift("price", "numeric", 9.0, 0.2, True, 0.0, 0.0, factor=100.0)
    gone = ColumnDrift("age", "numeric", None, 0.2, True, 1.0, 0.0)
    calm = ColumnDrift("depth", "numeric", 0.0, 0.2, False, 0.0, 0.0)
    first, second = broken_columns(DriftMeasures((price, gone, calm), None, None, None, 10, 10))
    assert first.startswith("`age` holds no values")
    assert second.startswith("`price` is 100 times what it was")
    assert "monitoring.drift.unit_factor" in second


def test_trainings_that_the_gate_refused_are_counted_from_the_latest_back(filled):
    for number, agrees in enumerate((False, True, False, False)):
        registered(filled, day(number), agrees=agrees)
    assert rejected_in_a_row(trainings(filled)) == 2
    assert rejected_in_a_row(trainings(filled)[:2]) == 0
