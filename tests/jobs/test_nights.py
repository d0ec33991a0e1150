from __future__ import annotations

from datetime import timedelta

import pytest
from landing_files import FIRST, impression, land, land_inline

from jobs.champion import PRIOR
from jobs.night import nights_done, run_night, run_step

SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)


def run(workspace, night, *steps):
    for step in steps:
        run_step(workspace, step, night)


def examples(workspace):
    return {row["impression_id"]: row for row in workspace.store.rows("examples")}


def test_a_label_is_provisional_until_the_night_after_has_landed(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST, "23:00:00")], clicks=[])
    land(tiny.data, SECOND, impressions=[impression("i2", SECOND)], clicks=[("i1", f"{SECOND} 04:00:00")])
    run(tiny, FIRST, "ingest", "label", "features")
    row = examples(tiny)["i1"]
    assert (row["clicked"], row["final"], row["known_on"]) == (0, False, FIRST)
    assert tiny.store.rows("training_examples") == []
    run(tiny, SECOND, "ingest", "label", "features")
    row = examples(tiny)["i1"]
    assert (row["clicked"], row["clicked_provisional"], row["final"], row["known_on"]) == (1, 0, True, SECOND)
    assert [row["impression_id"] for row in tiny.store.rows("training_examples")] == ["i1"]


def test_a_day_stays_provisional_while_a_night_of_its_window_is_missing(tiny):
    for night, name in ((FIRST, "i1"), (THIRD, "i3")):
        land(tiny.data, night, impressions=[impression(name, night)], clicks=[])
        run(tiny, night, "ingest", "label")
    row = examples(tiny)["i1"]
    assert (row["final"], row["known_on"]) == (False, FIRST)


def test_a_late_click_reaches_the_label_and_the_training_example_of_a_mature_day(tiny):
    for night, clicks in ((FIRST, []), (SECOND, []), (THIRD, [("i1", f"{FIRST} 13:00:00")])):
        land(tiny.data, night, impressions=[impression(f"i{(night - FIRST).days + 1}", night)], clicks=clicks)
        run(tiny, night, "ingest", "label", "features")
    assert examples(tiny)["i1"]["clicked"] == 1
    [trained] = [row for row in tiny.store.rows("training_examples") if row["dt"] == FIRST]
    assert trained["clicked"] == 1


def test_an_example_has_the_attributes_that_had_landed_before_its_day(tiny):
    for night, campaign in ((FIRST, "old"), (SECOND, "new")):
        name = f"i{(night - FIRST).days + 1}"
        land(tiny.data, night, impressions=[impression(name, night)], campaigns={"a1": campaign})
        run(tiny, night, "ingest", "label")
    assert {name: row["campaign_id"] for name, row in examples(tiny).items()} == {"i1": None, "i2": "old"}


def test_without_a_champion_the_prior_scores_and_says_so(tiny):
    rows = [impression(f"i{n}", FIRST) for n in range(4)]
    candidates = [("u1", "a1", "top"), ("stranger", "a9", "side"), ("u1", "a1", "top")]
    land(tiny.data, FIRST, impressions=rows, clicks=[("i0", f"{FIRST} 12:30:00")], candidates=candidates)
    run(tiny, FIRST, "ingest", "label", "features", "score")
    found = tiny.store.rows("predictions")
    assert sorted(row["user_id"] for row in found) == ["stranger", "u1"]
    overall = (1 + 20 * 0.05) / (4 + 20)
    for row in found:
        assert row["p_click"] == pytest.approx(overall)
        assert (row["dt"], row["model"], row["scored_on"]) == (SECOND, PRIOR, FIRST)


def test_without_candidates_there_are_no_predictions_and_no_error(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST)])
    run(tiny, FIRST, "ingest", "label", "features", "score")
    assert tiny.store.rows("predictions") == []


def test_a_whole_night_ends_with_a_decision_and_a_report(tiny):
    land(tiny.data, FIRST, impressions=[impression("i1", FIRST)], clicks=[], candidates=[("u1", "a1", "top")])
    results = list(run_night(tiny, FIRST))
    assert [result.step for result in results] == ["ingest", "label", "features", "score", "evaluate", "monitor"]
    [decision] = tiny.store.rows("decisions")
    assert (decision["dt"], decision["verdict"], decision["cause"]) == (FIRST, "wait", "too_few_labels")
    assert (tiny.reports / "index.html").is_file()
    assert nights_done(tiny) == {FIRST}


def test_inline_labels_are_final_on_their_own_night(tiny_inline):
    log = [("u1", "a1", "2026-01-10T08:00:00+08:00", "1", "1"), ("u1", "a1", "2026-01-10T09:00:00+08:00", "1", "0")]
    land_inline(tiny_inline.data, log)
    run(tiny_inline, FIRST, "ingest", "label", "features")
    found = sorted((row["clicked"], row["final"]) for row in tiny_inline.store.rows("examples"))
    assert found == [(0, True), (1, True)]
    assert sorted(row["clicked"] for row in tiny_inline.store.rows("training_examples")) == [0, 1]
