from __future__ import annotations

import numpy as np
import pytest
from learnable import day, fill
from pyiceberg.expressions import EqualTo

from conf.errors import NotReady, SettingsError
from jobs.backtest import backtest, model_kinds, training_days


def test_every_model_meets_every_day_and_learning_beats_the_constant(filled):
    asked = []
    found = backtest(filled, day(4), day(5), model_kinds(""), lambda *step: asked.append(step))
    kinds = ["constant", "logistic_regression", "xgboost", "mix"]
    assert asked == [(when, kind) for when in (day(4), day(5)) for kind in kinds]
    assert [(figures.day, figures.model) for figures in found.days] == asked
    ne = {model.model: model.ne.estimate for model in found.models}
    assert all(ne[kind] < 0.9 < ne["constant"] for kind in kinds[1:])
    assert [model.gain is None for model in found.models] == [True, True, False, False]
    by_day = [figures.evaluation.ne for figures in found.days if figures.model == "mix"]
    assert ne["mix"] == pytest.approx(np.mean(by_day))
    assert found.to_dict()["dataset"] == "tiny_inline"


def test_other_libraries_stand_beside_the_models_with_the_days_they_learned_from(filled):
    found = backtest(filled, day(4), day(4), ("constant", "xgboost"), beside=("lightgbm", "catboost"))
    assert [figures.model for figures in found.days] == ["constant", "xgboost", "lightgbm", "catboost"]
    assert len({(figures.train_days, figures.validation_days) for figures in found.days}) == 1
    assert [model.model for model in found.models][2:] == ["lightgbm", "catboost"]
    assert {figures.model for figures in found.evidence} == {"constant", "xgboost"}


def test_a_test_day_and_what_came_after_it_change_nothing_that_was_learned(filled):
    before = backtest(filled, day(4), day(4), ("logistic_regression",)).days[0]
    assert (before.train_days, before.validation_days) == ((day(0), day(1), day(2)), (day(3),))
    fill(filled, [6])
    assert backtest(filled, day(4), day(4), ("logistic_regression",)).days[0] == before


def test_labels_have_to_be_final_on_the_eve(make_workspace):
    workspace = make_workspace("click_log", training={"min_train_days": 1})
    for number in range(6):
        rows = [{"dt": day(number), "impression_id": "i"}]
        workspace.store.replace_rows("training_examples", EqualTo("dt", day(number)), rows)
        workspace.store.replace_rows("features_all", EqualTo("dt", day(number)), [{"dt": day(number), "key": "all"}])
    split = training_days(workspace, day(5))
    assert (split.train, split.validation) == ((day(0), day(1)), (day(3),))


def test_days_without_examples_are_named_with_what_to_run(filled):
    with pytest.raises(NotReady, match=r"for 2026-01-07, 2026-01-08.*--start 2026-01-07 --end 2026-01-08"):
        backtest(filled, day(5), day(7), ("constant",))


def test_a_test_day_with_too_few_days_before_it_is_not_ready(filled):
    with pytest.raises(NotReady, match="training needs 3"):
        backtest(filled, day(2), day(3), ("constant",))


def test_kinds_are_named_with_commas_and_an_unknown_one_is_refused():
    assert model_kinds("mix, constant") == ("constant", "mix")
    with pytest.raises(SettingsError, match="unknown kind `forest`"):
        model_kinds("mix,forest")
