"""The forms refuse what cannot be meant, as Airflow checks them when a run is triggered."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import ParamValidationError


def accept(dag, **values):
    for name, value in values.items():
        dag.params.get_param(name).resolve(value)


@pytest.mark.parametrize("dag_id", ["ctr_nightly", "ctr_train"])
@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", "01.02.2026", 20260101])
def test_a_wrong_date_is_refused(dags, dag_id, value):
    with pytest.raises(ParamValidationError):
        accept(dags[dag_id], date=value)


@pytest.mark.parametrize("dag_id", ["ctr_nightly", "ctr_train"])
def test_a_date_or_none_is_accepted(dags, dag_id):
    accept(dags[dag_id], date="2026-01-31")
    accept(dags[dag_id], date=None)


@pytest.mark.parametrize("value", [0, 366, 1.5, "28"])
def test_a_window_outside_1_to_365_whole_days_is_refused(dags, value):
    with pytest.raises(ParamValidationError):
        accept(dags["ctr_train"], window_days=value)


def test_a_window_at_either_end_is_accepted(dags):
    accept(dags["ctr_train"], window_days=1)
    accept(dags["ctr_train"], window_days=365)


@pytest.mark.parametrize("value", [["forest"], ["xgboost", "xgboost"], "xgboost"])
def test_unknown_or_doubled_models_are_refused(dags, value):
    with pytest.raises(ParamValidationError):
        accept(dags["ctr_train"], models=value)


def test_promote_is_a_yes_or_no(dags):
    with pytest.raises(ParamValidationError):
        accept(dags["ctr_train"], promote="no")


def test_the_gate_decides_unless_the_form_or_the_settings_leave_it_to_a_person(dags):
    approval = dags["ctr_train"].params.get_param("approval")

    assert approval.resolve() == "promote when the gate agrees"
    assert approval.resolve("wait for a person") == "wait for a person"
    with pytest.raises(ParamValidationError):
        approval.resolve("later")


def test_the_form_offers_the_models_that_the_settings_know(dags):
    from typing import get_args

    from conf.settings import TrainingSettings

    (kind, _) = get_args(TrainingSettings.model_fields["models"].annotation)

    assert dags["ctr_train"].params.get_param("models").schema["items"]["enum"] == list(get_args(kind))


def test_every_field_of_a_form_is_explained(dags):
    for dag in dags.values():
        for name in dag.params:
            param = dag.params.get_param(name)
            assert param.description and param.schema.get("title"), name
