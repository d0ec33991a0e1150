"""Settings are searched on earlier days, and what is found can be adopted as it was written."""

from __future__ import annotations

import pytest
from learnable import day, fill
from pyiceberg.expressions import EqualTo

from conf.errors import NotReady, SettingsError
from conf.settings import load_settings
from jobs.tune import tune, tuned_kinds


def tuned(workspace, tmp_path, **changes):
    asked = {"minutes": 10.0, "trials": 3} | changes
    return tune(workspace, day(5), ("logistic_regression",), tmp_path / "tuned.yaml", **asked)


def turn_labels_round(workspace, which):
    rows = workspace.store.rows("training_examples", EqualTo("dt", which))
    turned = [row | {"clicked": 1 - row["clicked"]} for row in rows]
    workspace.store.replace_rows("training_examples", EqualTo("dt", which), turned)


def parameters_and_ne(found):
    return [(kind.parameters, kind.ne_before, kind.ne, kind.trials) for kind in found.found]


def test_what_was_found_is_an_overlay_that_settings_are_read_from(filled, tmp_path):
    found = tune(filled, day(5), tuned_kinds(""), tmp_path / "new" / "tuned.yaml", minutes=10.0, trials=3)
    model = load_settings(found.file, {}).training.model
    linear, trees = found.found
    assert model["logistic"] == linear.parameters
    assert model["boosted"] == {"max_rounds": 10} | trees.parameters  # what was in force and not searched stays
    assert model["hashing"] == {"bits": 8}
    assert all(kind.trials == 3 and kind.ne <= kind.ne_before for kind in found.found)


def test_the_holdout_and_later_days_are_not_read(filled, tmp_path):
    before = tuned(filled, tmp_path)
    assert (before.train_days[-1], before.validation_days) == (day(3), (day(4),))
    turn_labels_round(filled, day(5))
    fill(filled, [6])
    assert parameters_and_ne(tuned(filled, tmp_path)) == parameters_and_ne(before)
    turn_labels_round(filled, day(4))  # the day that judges is read
    assert parameters_and_ne(tuned(filled, tmp_path)) != parameters_and_ne(before)


def test_no_trial_begins_after_the_time_is_up(filled, tmp_path):
    assert tuned(filled, tmp_path, minutes=0.0, trials=50).found[0].trials == 1


def test_too_few_mature_days_are_not_ready(filled, tmp_path):
    with pytest.raises(NotReady, match="training needs"):
        tune(filled, day(2), ("xgboost",), tmp_path / "tuned.yaml", minutes=1.0, trials=1)
    assert not (tmp_path / "tuned.yaml").exists()


def test_a_kind_without_settings_of_its_own_is_refused():
    assert tuned_kinds("xgboost,logistic_regression") == ("logistic_regression", "xgboost")
    with pytest.raises(SettingsError, match="nothing to search for `mix`"):
        tuned_kinds("mix")
