"""Who is champion on which night: the order of changes, rollbacks, and days that have been served."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pyiceberg.expressions import EqualTo
from registered_versions import registered

from conf.errors import SettingsError
from jobs.champion import bundle_folder, champion_as_of
from jobs.promotions import Change, champions, changes, record_change
from jobs.registration import forget_training
from jobs.trainings import keep_training, training_of, trainings

FIRST = date(2026, 1, 10)
NIGHTS = [FIRST + timedelta(days=ahead) for ahead in range(5)]
DECAY = "decay: NE rose"


def change(version, night=FIRST, *, action="gate", reason=DECAY, hour=0, served=None):
    at = datetime(2026, 2, 1, hour, tzinfo=UTC)
    return Change(night, "xgboost", version, None, "who", reason, action, at, served=served)


def trained(workspace, version, night=FIRST, trigger=DECAY):
    row = dict.fromkeys(workspace.store.specs["trainings"].columns)
    row |= {"dt": night, "version": version, "model": "xgboost", "trigger": trigger, "trained_on": night, "ne": 0.9}
    keep_training(workspace, row)


def champions_by_night(workspace):
    found = [champion_as_of(workspace, night) for night in NIGHTS]
    return [champion.version if champion else None for champion in found]


def test_a_rollback_goes_back_and_a_second_one_further_back():
    line = [change("1"), change("2"), change("3")]
    assert champions(line) == ["1", "2", "3"]
    once = [*line, change("2", action="rollback")]
    assert champions(once) == ["1", "2"]
    assert champions([*once, change("1", action="rollback")]) == ["1"]
    assert champions([*once, change("4")]) == ["1", "2", "4"]


def test_a_version_promoted_again_is_rolled_back_to_what_was_before_it():
    line = [change("1"), change("2"), change("1", action="promote")]
    assert champions(line) == ["1", "2", "1"]
    assert champions([*line, change("2", action="rollback")]) == ["1", "2"]


def test_of_one_night_a_persons_change_stands_over_what_the_nights_decision_led_to(tiny):
    for version in ("1", "2"):
        trained(tiny, version)
    record_change(tiny, change("1", action="promote", reason="a hunch", hour=1))
    record_change(tiny, change("2", hour=2))  # the night's training ended later, or was run again
    assert champion_as_of(tiny, FIRST).version == "1"


def test_of_one_night_later_trainings_by_hand_replace_what_a_person_did_before(tiny):
    for version in ("1", "2"):
        trained(tiny, version)
    record_change(tiny, change("1", action="promote", reason="a hunch", hour=1))
    record_change(tiny, change("2", reason="weekly schedule", hour=2))
    assert champion_as_of(tiny, FIRST).version == "2"


def test_a_change_leaves_the_nights_alone_whose_days_had_been_served(tiny):
    for version in ("1", "2"):
        trained(tiny, version)
    record_change(tiny, change("1", NIGHTS[0]))
    record_change(tiny, change("2", NIGHTS[1], action="promote", served=NIGHTS[3]))
    assert champions_by_night(tiny) == ["1", "1", "1", "2", "2"]


def test_what_a_nights_decision_led_to_counts_from_that_night_whenever_it_is_run(tiny):
    for version in ("1", "2"):
        trained(tiny, version)
    record_change(tiny, change("1", NIGHTS[0]))
    record_change(tiny, change("2", NIGHTS[1], hour=5))
    assert champions_by_night(tiny) == ["1", "2", "2", "2", "2"]


def test_several_trainings_of_a_night_are_kept_and_the_champion_among_them_is_found(tiny):
    trained(tiny, "1")
    record_change(tiny, change("1"))
    trained(tiny, "2", trigger="by hand")
    assert [row["version"] for row in trainings(tiny)] == ["1", "2"]
    assert champion_as_of(tiny, FIRST).version == "1"


def test_a_night_that_decides_anew_withdraws_its_own_training_and_nothing_else(tiny):
    trained(tiny, "1")
    trained(tiny, "2", trigger="by hand")
    record_change(tiny, change("1"))
    record_change(tiny, change("2", reason="by hand", hour=1))
    record_change(tiny, change("1", action="rollback", reason="better for now", hour=2))
    forget_training(tiny, FIRST)
    assert [row["version"] for row in trainings(tiny)] == ["2"]
    assert training_of(tiny, "1")["withdrawn"]
    assert [(one.version, one.action) for one in changes(tiny)] == [("2", "gate"), ("1", "rollback")]
    assert champion_as_of(tiny, FIRST).version == "1"


def test_an_unknown_version_is_told_with_those_there_are(tiny):
    with pytest.raises(SettingsError, match=r"no version 7 .* Nothing has been trained"):
        training_of(tiny, "7")
    trained(tiny, "1")
    with pytest.raises(SettingsError, match=r"no version 7 .* Known: 1"):
        training_of(tiny, "7")


def test_rows_written_before_changes_had_an_action_count_as_the_gates(tiny):
    trained(tiny, "1")
    row = dict.fromkeys(tiny.store.specs["promotions"].columns) | {"dt": FIRST, "version": "1", "model": "xgboost"}
    tiny.store.replace_rows("promotions", EqualTo("dt", FIRST), [row])
    assert champions_by_night(tiny) == ["1"] * len(NIGHTS)
    assert changes(tiny)[0].action == "gate"


@pytest.mark.parametrize("stopped_at", ["keep_version", "keep_training"])
def test_a_training_that_was_stopped_while_it_registered_goes_on_with_its_version(tiny, monkeypatch, stopped_at):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(f"jobs.registration.{stopped_at}", stopped)
        registered(tiny, FIRST)
    assert registered(tiny, FIRST) == "1"
    assert (champion_as_of(tiny, FIRST).version, bundle_folder(tiny, "1").name) == ("1", "1")
