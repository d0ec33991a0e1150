"""Why a training was asked for, by a night in this process, by Airflow, the week or a person."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.champion import ModelVersion
from jobs.night_facts import change_answered
from jobs.trainings import asking_cause, decided_by_night

DAY = date(2026, 1, 19)
CHAMPION = ModelVersion("ctr", "3", DAY, DAY, 0.9)
ASKED = [
    ("decay: Worse predictions on 2 nights of the last 3 that can tell (2 needed).", "decay", True),
    ("decay", "decay", True),
    ("drift on 2026-01-19: decay", "decay", True),
    ("drift on 2026-01-19: no_champion", "no_champion", True),
    ("drift on 2026-01-19: cause not given", "", True),
    ("weekly schedule", "", False),
    ("by hand in Airflow", "", False),
    ("decay of the champion seen by a person", "", False),
]
"""What asked for a training, the cause in it, and whether that was the decision of a night."""


@pytest.mark.parametrize(("trigger", "cause", "by_its_night"), ASKED)
def test_the_cause_is_found_however_the_night_passed_it_on(trigger, cause, by_its_night):
    training = {"trigger": trigger, "version": "3"}
    assert (asking_cause(training), decided_by_night(training)) == (cause, by_its_night)


@pytest.mark.parametrize("trigger", ["shift: The inputs moved.", "drift on 2026-01-19: shift"])
def test_a_champion_of_the_last_training_has_learned_amid_the_change_that_asked_for_it(trigger):
    before = [{"trigger": "decay", "version": "2"}, {"trigger": trigger, "version": "3"}]
    assert change_answered(before, CHAMPION) == "shift"
    assert change_answered([*before, {"trigger": trigger, "version": "4"}], CHAMPION) == "", "another came after it"
    assert change_answered([{"trigger": "drift on 2026-01-19: stale_champion", "version": "3"}], CHAMPION) == ""
