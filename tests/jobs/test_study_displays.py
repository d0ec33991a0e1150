"""What studies print: every table fits a terminal of 80 columns."""

from __future__ import annotations

import io

import pytest
from learnable import day
from rich.console import Console

from conf.settings import PromotionPolicy
from jobs.ablation_display import ablation_progress, show_ablation
from jobs.backtest_display import backtest_progress, show_backtest
from jobs.drift_power import Answered, NightAnswer
from jobs.drift_power_display import line, show_drift_power
from jobs.gate_power_display import gate_power_progress, show_gate_power
from jobs.tune import tuned_kinds
from jobs.tune_display import show_tuning, tune_progress
from validation.gate_power import TrialWorld


@pytest.fixture
def terminal():
    return Console(file=io.StringIO(), width=80, highlight=False)


def printed(terminal) -> str:
    text = terminal.file.getvalue()
    assert max(len(line) for line in text.splitlines()) <= 80
    return text


def test_a_backtest_shows_days_means_and_evidence(filled, terminal):
    show_backtest(backtest_progress(filled, day(4), day(5), ("constant", "logistic_regression"), quiet=True), terminal)
    text = printed(terminal)
    assert "Means over 2 test days" in text
    assert "user_seen=never" in text
    assert text.count("logistic") == 4


def test_an_ablation_shows_a_row_for_each_family(filled, terminal):
    found = ablation_progress(filled, day(4), day(4), ("logistic_regression",), ("context", "recency"), quiet=True)
    show_ablation(found, terminal)
    text = printed(terminal)
    assert [word for word in ("nothing", "context", "recency") if word in text] == ["nothing", "context", "recency"]


def test_a_search_of_settings_shows_what_was_found_and_how_to_adopt_it(filled, terminal, tmp_path):
    file = tmp_path / "tuned.yaml"
    show_tuning(tune_progress(filled, day(5), tuned_kinds(""), file, minutes=1.0, trials=2, quiet=True), terminal)
    text = terminal.file.getvalue()
    assert max(len(line) for line in text.splitlines() if str(file) not in line) <= 80
    assert "NE before" in text
    assert f"ctr train --date {day(5)} --env {file}" in text


def test_the_power_of_the_gate_shows_a_row_for_each_challenger(terminal):
    worlds = [TrialWorld(impressions=2_000, ctr=0.1, gain=gain) for gain in (-0.005, 0.0, 0.005)]
    show_gate_power(gate_power_progress(worlds, PromotionPolicy(), 2, 7, quiet=True), PromotionPolicy(), terminal)
    text = printed(terminal)
    assert all(words in text for words in ("0.5 % worse NE", "as good", "0.5 % better NE"))


def test_the_decisions_power_shows_what_went_wrong_and_false_alarms(terminal):
    calm, late = (NightAnswer(day(number), "ok", "none", ()) for number in (0, 1))
    blocked = NightAnswer(day(1), "blocked", "broken_input", ("why",))
    wrong = NightAnswer(day(2), "retrain", "decay", ("why",), promoted=True)
    found = [
        Answered("outage", 7, day(1), (calm, blocked)),
        Answered("new_ads", 7, day(1), (calm, late, wrong)),
        Answered("concept_drift", 7, day(1), (calm, late)),
        Answered("covariate_drift", 7, day(1), (calm, wrong), ne_recovered=0.909, ne_regime=0.9),
        Answered("calm", 7, day(1), (calm, late)),
    ]
    show_drift_power(found, terminal)
    for one in found:
        terminal.print(line(one))
    text = printed(terminal)
    assert "new_ads, not right: 1 x decay after 1 nights." in text
    assert "concept_drift, not right: 1 x no alarm." in text
    assert "False alarms: 0 in 2 calm nights" in text
    assert "NE +1.00 %" in text
