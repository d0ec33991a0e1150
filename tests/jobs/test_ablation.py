"""What a family of features is worth."""

from __future__ import annotations

import pytest
from learnable import day

from conf.errors import SettingsError
from jobs.ablation import EVERYTHING, ablation, families


def test_the_family_that_clicks_follow_is_missed_and_the_others_are_not(filled):
    asked = []
    found = ablation(
        filled, day(4), day(5), ("logistic_regression",), ("context", "recency"), lambda *step: asked.append(step)
    )
    assert [(family, when) for when, family in asked] == [
        (family, when) for family in (EVERYTHING, "context", "recency") for when in (day(4), day(5))
    ]
    everything, context, recency = found.losses
    assert everything.loss is None
    assert context.loss.low > 0.1
    assert context.ne - everything.ne == pytest.approx(context.loss.estimate)
    assert recency.loss.estimate == pytest.approx(0.0, abs=0.02)


def test_every_feature_of_the_model_belongs_to_a_family(filled):
    from jobs.feature_list import model_columns

    known = families(filled)
    named = {name for names in known.values() for name in names}
    columns = model_columns(filled.dataset)
    assert set(columns.all) - named <= {"user_id", "ad_id", "all__ctr_28d"}
    assert "context" in known


def test_a_family_that_does_not_exist_is_named_with_those_that_do(filled):
    with pytest.raises(SettingsError, match=r"unknown family `weather`.*context"):
        ablation(filled, day(4), day(5), ("logistic_regression",), ("weather",))
