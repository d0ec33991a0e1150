from datetime import timedelta

import numpy as np
import pytest
from learnable import FIRST
from pyiceberg.expressions import EqualTo

from conf.errors import NotReady
from jobs.evaluate import FINAL
from jobs.explain import Reading, explain
from jobs.explain_display import explanation_lines
from monitoring.change_split import CLICKS, EXPECTED, IMPRESSIONS, LOSS, SCORED, SCORED_CLICKS

NIGHTS = 10


def write_day(workspace, number, rows, scored=1.0):
    """A day's examples with predictions, straight into the store. `rows`: tab, clicked and p of each impression."""
    day = FIRST + timedelta(days=number)
    store, examples, predictions = workspace.store, [], []
    for position, (tab, clicked, p) in enumerate(rows):
        key = {"dt": day, "pair_id": f"{number}-{position}", "user_id": f"u{position % 300}", "ad_id": "a"}
        label = {"clicked": clicked, "clicked_provisional": clicked, "arrived": day, "final": True}
        examples.append(key | label | {"impression_id": key["pair_id"], "tab": tab})
        if position < scored * len(rows):
            predictions.append(key | {"p_click": p, "model": "mix", "version": "1"})
    columns = store.specs["examples"].columns
    store.replace_rows("examples", EqualTo("dt", day), [dict.fromkeys(columns) | row for row in examples])
    columns = store.specs["predictions"].columns
    store.replace_rows("predictions", EqualTo("dt", day), [dict.fromkeys(columns) | row for row in predictions])
    landing = dict.fromkeys(store.specs["landings"].columns) | {"dt": day, "source": "impressions", "landed": len(rows)}
    store.replace_rows("landings", EqualTo("dt", day), [landing])
    return day


def calm(number, rows=600):
    random = np.random.default_rng(number)
    tabs = random.choice(["home", "search", None], rows, p=[0.6, 0.3, 0.1])
    return [(tab, int(random.random() < 0.2), 0.2) for tab in tabs]


def test_sums_by_value_are_those_of_the_rows(tiny_inline):
    rows = [("home", 1, 0.5), ("home", 0, 0.25), (None, 0, 0.1), ("search", 1, 0.5)]
    day = write_day(tiny_inline, 0, rows, scored=0.75)
    read = Reading(tiny_inline, FINAL)
    kept = read.kept_values([day])
    assert kept["tab"] == ("home", "(missing)", "search", "(others)")
    side = read.scored_side(day, kept, None)
    home, missing, search, others = side.columns["tab"].sum(axis=1)
    assert list(home[[IMPRESSIONS, CLICKS, SCORED, SCORED_CLICKS, EXPECTED]]) == [2, 1, 2, 1, 0.75]
    assert home[LOSS] == pytest.approx(-np.log(0.5) - np.log(0.75))
    assert list(missing[[IMPRESSIONS, SCORED]]) == [1, 1]
    assert list(search) == [1, 1, 0, 0, 0, 0]  # nobody scored it
    assert not others.any()


def test_a_user_is_whole_in_one_bucket(tiny_inline):
    day = write_day(tiny_inline, 0, calm(0, 900))
    read = Reading(tiny_inline, FINAL)
    side = read.scored_side(day, read.kept_values([day]), None)
    assert set(side.whole()[:, IMPRESSIONS] % 3) == {0}  # three impressions of each user


def test_a_tab_that_was_never_there_is_named_from_the_tables(tiny_inline):
    for number in range(NIGHTS):
        write_day(tiny_inline, number, calm(number))
    rows = [("kiosk" if position % 3 == 0 else tab, y, p) for position, (tab, y, p) in enumerate(calm(NIGHTS))]
    found = explain(tiny_inline, write_day(tiny_inline, NIGHTS, rows))
    assert [(one.about, one.word, one.since) for one in found.findings] == [
        ("what is shown to whom", "surely", "yesterday")
    ]
    assert (found.findings[0].carriers[0].column, found.findings[0].carriers[0].value) == ("tab", "kiosk")
    told = "\n".join(explanation_lines(found))
    assert "`tab`=kiosk carries" in told
    assert "There was no champion, so no reference." in told


def test_a_calm_night_says_so(tiny_inline):
    days = [write_day(tiny_inline, number, calm(number)) for number in range(NIGHTS)]
    assert next(iter(explanation_lines(explain(tiny_inline, days[-1])))) == f"{days[-1]}: Nothing beyond chance."


def test_a_night_that_has_not_run_is_refused_with_what_there_is(tiny_inline):
    write_day(tiny_inline, 0, calm(0))
    with pytest.raises(NotReady, match=r"No impressions of 2026-01-03 .* 2026-01-01 to 2026-01-01"):
        explain(tiny_inline, FIRST + timedelta(days=2))
