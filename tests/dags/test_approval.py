"""A person's word on a challenger: asked only where one waits, and written down as theirs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException


def context(**trained):
    return {"ti": SimpleNamespace(xcom_pull=lambda task_ids: trained)}


def test_nobody_is_asked_where_the_training_left_nothing_to_a_person(dags):
    approve = dags["ctr_train"].get_task("approve")

    with pytest.raises(AirflowSkipException):
        type(approve).execute.__wrapped__(approve, context(waits=False))


def test_what_is_asked_names_the_version_and_leads_to_its_card(dags):
    from jinja2 import Environment

    approve = dags["ctr_train"].get_task("approve")
    trained = {"model": "mix", "version": "7", "day": "2026-01-10", "card": "shop/models/7.html", "reasons": ["Good."]}
    environment = Environment()
    environment.filters.update(dags["ctr_train"].user_defined_filters)
    text = [environment.from_string(part).render(**context(**trained)) for part in (approve.subject, approve.body)]

    assert text[0] == "Make mix v7 the champion?"
    assert "(/ctr-reports/shop/models/7.html)" in text[1] and text[1].endswith("\n- Good.")


def test_without_an_answer_the_champion_stays_and_the_wait_is_shorter_than_the_run_may_take(dags):
    dag = dags["ctr_train"]
    approve = dag.get_task("approve")

    assert approve.defaults == ["Reject"]
    assert approve.response_timeout < dag.dagrun_timeout
    assert approve.downstream_task_ids == {"promotion_arguments"}
    assert dag.get_task("promote").upstream_task_ids == {"promotion_arguments"}


@pytest.mark.parametrize(
    ("user", "by"), [({"id": "4", "name": "jane"}, "jane"), (None, "a person in Airflow"), ({"id": "4"}, "4")]
)
def test_the_promotion_is_told_who_approved(user, by):
    from ctr_approval import promotion_arguments

    arguments = promotion_arguments.function({"version": "7", "day": "2026-01-10"}, {"responded_by_user": user})

    assert arguments == ["7", "--reason", "approved in Airflow, trained as of 2026-01-10", "--by", by]
