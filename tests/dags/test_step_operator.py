"""How the operator runs a step: as an argument list, with its output in the log, and nothing left when it ends."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress

import psutil
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException


@pytest.fixture
def step_in(tmp_path, monkeypatch):
    """Makes an operator whose command line is a script of the test's own."""

    def make(script: str, **options):
        import ctr_tasks

        (tmp_path / "jobs").mkdir()
        (tmp_path / "jobs" / "__init__.py").write_text("")
        (tmp_path / "jobs" / "cli.py").write_text("import json, os, subprocess, sys, time\n" + script)
        monkeypatch.setattr(ctr_tasks, "PROJECT_FOLDER", tmp_path)
        return ctr_tasks.StepOperator(task_id="step", step="monitor", **options)

    return make


def run(operator):
    """Calls `execute` as a task does, without the guard that Airflow puts around it."""
    return type(operator).execute.__wrapped__(operator, {})


def run_to_its_failure(operator):
    with suppress(AirflowException):
        run(operator)


def test_the_arguments_reach_the_step_one_by_one_and_the_last_line_comes_back(step_in):
    operator = step_in("print(json.dumps({'got': sys.argv[1:]}))", arguments=["--reason", "a b; $HOME"])

    assert run(operator) == {"got": ["monitor", "--reason", "a b; $HOME", "--json"]}


def test_words_on_standard_error_after_the_answer_do_not_hide_it(step_in):
    operator = step_in("print('{\"day\": \"2026-01-01\"}', flush=True); print('goodbye', file=sys.stderr)")

    assert run(operator) == {"day": "2026-01-01"}


def test_a_failure_is_tried_again_and_says_what_the_step_said(step_in):
    operator = step_in("print('no landing files', file=sys.stderr); sys.exit(3)")

    with pytest.raises(AirflowException, match="exit code 3: no landing files") as caught:
        run(operator)
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("code", [2, 4])
def test_a_wrong_setting_or_a_blocked_feed_is_not_tried_again(step_in, code):
    with pytest.raises(AirflowFailException):
        run(step_in(f"sys.exit({code})"))


def test_a_step_that_is_not_ready_skips_where_that_is_allowed(step_in):
    with pytest.raises(AirflowSkipException):
        run(step_in("sys.exit(6)", skip_codes=[6]))


def test_a_step_that_answers_no_json_fails(step_in):
    with pytest.raises(AirflowException, match="no JSON"):
        run(step_in("print('done')"))


def test_killing_the_task_ends_the_step_and_what_it_started(step_in):
    operator = step_in("subprocess.Popen(['sleep', '60']); print('up', flush=True); time.sleep(60)")
    worker = threading.Thread(target=run_to_its_failure, args=[operator])
    worker.start()
    children: list[psutil.Process] = []
    deadline = time.monotonic() + 10
    while not children and time.monotonic() < deadline:
        time.sleep(0.05)
        if operator._process:
            children = psutil.Process(operator._process.pid).children()

    operator.on_kill()
    worker.join(10)

    assert operator._process.returncode == -signal.SIGTERM
    _, alive = psutil.wait_procs(children, timeout=5)
    assert children and all(child.status() == psutil.STATUS_ZOMBIE for child in alive)
