"""Notices: what is told, to whom, and that telling costs a bounded time, fails no task and gives no secret away."""

from __future__ import annotations

import json
import logging
import time
from datetime import date
from email import message_from_string
from typing import get_args

import pytest
from receivers import mail_server, webhook

from conf.settings import NotificationSettings

SECRET = "T0-very-secret"
DECISION = {
    "day": "2026-01-15",
    "verdict": "watch",
    "cause": "broken_input",
    "report": "/srv/ctr/reports/simulated/2026-01-15/index.html",
    "reasons": ["NE 0.93 is 1.050 times the promised 0.88 <b>"],
}


@pytest.fixture
def hook(monkeypatch):
    """A webhook whose secret part comes from an Airflow connection."""
    monkeypatch.setenv("AIRFLOW_CONN_CTR_WEBHOOK", json.dumps({"conn_type": "generic", "password": SECRET}))
    with webhook() as server:
        yield server


def settings(hook, **more):
    address = f"http://127.0.0.1:{hook.port}/services/{{{{ conn.ctr_webhook.password }}}}"
    return NotificationSettings(webhook=address, **more)


def notice():
    from ctr_notices import verdict_notice

    return verdict_notice(DECISION, "ctr_nightly", "manual__1")


def deliver(*arguments):
    from ctr_delivery import deliver

    deliver(*arguments)


def test_a_verdict_is_posted_with_its_cause_its_reasons_and_a_link_to_the_nights_page(hook):
    deliver(notice(), settings(hook))

    ((path, body),) = hook.got
    assert path == f"/services/{SECRET}"
    assert body["text"].splitlines()[0] == "simulated, night of 2026-01-15: watch, broken input"
    assert body["link"] == "http://localhost:8080/ctr-reports/simulated/2026-01-15/index.html"
    assert {name: body[name] for name in ("kind", "dataset", "day", "verdict", "cause", "dag", "run")} == {
        "kind": "verdict",
        "dataset": "simulated",
        "day": "2026-01-15",
        "verdict": "watch",
        "cause": "broken_input",
        "dag": "ctr_nightly",
        "run": "manual__1",
    }
    assert body["reasons"] == DECISION["reasons"]


def test_a_service_that_wants_text_alone_gets_it(hook):
    deliver(notice(), settings(hook, only_text=True))

    ((_, body),) = hook.got
    assert list(body) == ["text"]
    assert "the promised 0.88 &lt;b&gt;" in body["text"] and "/2026-01-15/index.html" in body["text"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_fails_nothing_and_its_secret_is_in_no_log(hook, caplog, status):
    hook.status = status
    with caplog.at_level(logging.DEBUG):
        deliver(notice(), settings(hook))

    assert len(hook.got) == 1
    assert f"the webhook answered {status}" in caplog.text
    assert SECRET not in caplog.text


def test_a_delivery_that_went_well_leaves_no_secret_in_the_log_either(hook, caplog):
    with caplog.at_level(logging.INFO):
        deliver(notice(), settings(hook))

    assert "Told by webhook" in caplog.text
    assert SECRET not in caplog.text


def test_nobody_listening_fails_nothing_and_its_secret_is_in_no_log(caplog, monkeypatch):
    from jobs.services.ports import free_port

    address = f"http://127.0.0.1:{free_port('127.0.0.1')}/{SECRET}"
    deliver(notice(), NotificationSettings(webhook=address))

    assert "Nobody was told by webhook: ConnectError" in caplog.text
    assert SECRET not in caplog.text


def test_an_answer_that_never_ends_is_not_waited_for(hook, caplog):
    hook.drips = True
    began = time.monotonic()

    deliver(notice(), settings(hook, timeout_seconds=0.5))

    assert time.monotonic() - began < 2
    assert "no answer within 0.5 s" in caplog.text


def test_a_connection_that_does_not_exist_is_named_in_the_log(hook, caplog):
    address = f"http://127.0.0.1:{hook.port}/{{{{ conn.ctr_other.password }}}}"
    deliver(notice(), NotificationSettings(webhook=address))

    assert hook.got == []
    assert "ctr_other" in caplog.text


def test_an_e_mail_says_the_same_and_hostile_text_stays_text(monkeypatch):
    with mail_server() as box:
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "ctr@example.com"}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": box.port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        deliver(notice(), NotificationSettings(email=("one@example.com", "two@example.com")))

        ((receivers, text),) = box.got
    message = message_from_string(text)
    body = message.get_payload()[0].get_payload(decode=True).decode()
    assert receivers == ["one@example.com", "two@example.com"]
    assert message["Subject"] == "simulated, night of 2026-01-15: watch, broken input"
    assert "/ctr-reports/simulated/2026-01-15/index.html" in body
    assert "&lt;b&gt;" in body and "<b>" not in body


def test_a_mail_server_that_is_away_does_not_keep_the_webhook_from_being_told(hook, caplog, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": 9}))
    deliver(notice(), settings(hook, email=("one@example.com",)))

    assert len(hook.got) == 1
    assert "Nobody was told by e-mail" in caplog.text


def test_a_feed_that_the_gate_stopped_is_a_blocked_night():
    from ctr_notices import failure_notice
    from ctr_tasks import FeedStopped

    told = failure_notice("ctr_nightly", "r 1", "ingest", FeedStopped("Half is missing."), date(2026, 1, 15))

    assert told.line == "simulated, night of 2026-01-15: blocked, broken input"
    assert (told.facts["verdict"], told.facts["cause"]) == ("blocked", "broken_input")
    assert told.reasons == ("Half is missing.",)
    assert told.link == "http://localhost:8080/dags/ctr_nightly/runs/r%201"


def test_another_failure_names_the_task_and_what_it_said():
    from ctr_notices import failure_notice

    told = failure_notice("ctr_maintenance", "r", "maintain", ValueError("disk full"), None)

    assert told.line == "simulated: ctr_maintenance failed at maintain"
    assert told.reasons == ("disk full",)
    assert "verdict" not in told.facts


RUN = {
    "dag_id": "ctr_nightly",
    "dag_run_id": "scheduled__2026-01-15",
    "run_type": "scheduled",
    "state": "running",
    "conf": {},
    "logical_date": "2026-01-15T02:00:00Z",
    "data_interval_end": "2026-01-16T02:00:00Z",
    "run_after": "2026-01-16T02:00:00Z",
}


def late(hook, monkeypatch, **changed):
    from ctr_notices import tell_late

    monkeypatch.setenv("CTR_SET_AIRFLOW__NOTIFY__WEBHOOK", f"http://127.0.0.1:{hook.port}/")
    tell_late({"dag_run": {**RUN, **changed}, "deadline": {}})
    return [body for _, body in hook.got]


def test_a_late_night_is_told_with_its_day_and_a_link_to_its_run(hook, monkeypatch):
    (body,) = late(hook, monkeypatch)

    assert (body["kind"], body["day"]) == ("late", "2026-01-15")
    assert body["link"].endswith("/dags/ctr_nightly/runs/scheduled__2026-01-15")
    assert "4 hours" in body["text"]


def test_nights_of_a_backfill_are_never_late(hook, monkeypatch):
    assert late(hook, monkeypatch, run_type="backfill") == []


def test_the_settings_know_every_verdict_and_leave_calm_and_waiting_nights_untold():
    from monitoring.decision import Verdict

    (kinds, _) = get_args(NotificationSettings.model_fields["verdicts"].annotation)

    assert set(get_args(kinds)) == set(get_args(Verdict))
    assert set(NotificationSettings().verdicts) == set(get_args(Verdict)) - {"ok", "wait"}
