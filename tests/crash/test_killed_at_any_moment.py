"""Commands killed with SIGKILL, process group and all, and run again: nothing is lost, nothing is doubled.

A reader beside them never sees a part of a day.

One ingest is killed twenty times in a row; `make test-crash` kills nine commands CRASH_KILLS times in all, each time on
a home of its own.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from crash_scenarios import CLICK_LOG, NIGHTS, SCENARIOS, SETTINGS, Scenario
from killed_commands import Helper, KilledHome

IN_A_ROW = 20
KILLS = int(os.environ.get("CRASH_KILLS", "216"))
SEED = int(os.environ.get("CRASH_SEED", "7"))
SHARE_AT_MOMENTS = 0.7


@pytest.fixture(scope="module")
def killed_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KilledHome]:
    server, reader = Helper("command_server.py"), Helper("polling_reader.py")
    yield KilledHome(tmp_path_factory.mktemp("killed"), CLICK_LOG, SETTINGS, server, reader)
    server.close()
    reader.close()


def evenly(moments: Sequence[str], wanted: int) -> list[dict[str, Any]]:
    """Kills at moments that are spread evenly, the last one among them."""
    wanted = min(wanted, len(moments))
    return [{"kill_at": round((place + 1) * len(moments) / wanted)} for place in range(wanted)]


def at_random(seconds: float, wanted: int) -> list[dict[str, Any]]:
    draw = random.Random(SEED)
    return [{"kill_after": draw.uniform(0.0, seconds)} for _ in range(wanted)]


def test_an_ingest_killed_over_and_over_leaves_what_an_undisturbed_one_leaves(killed_home):
    """Each kill meets what the one before it left; the last run goes through."""
    SCENARIOS[0].prepare(killed_home)
    ingest = ("ingest", "--date", str(NIGHTS[0]))
    expected = killed_home.undisturbed(*ingest)
    kills = evenly(expected.run.moments, IN_A_ROW - 4) + at_random(expected.run.seconds, 4)
    assert killed_home.trial(ingest, expected, kills) == []


@pytest.mark.long
@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
def test_a_command_killed_once_and_run_again_leaves_what_an_undisturbed_one_leaves(killed_home, scenario: Scenario):
    scenario.prepare(killed_home)
    expected = killed_home.undisturbed(*scenario.arguments)
    each = KILLS // len(SCENARIOS)
    moments = evenly(expected.run.moments, round(SHARE_AT_MOMENTS * each))
    killed: Counter[str] = Counter()
    wrong = {}
    for kill in [*moments, *at_random(expected.run.seconds, each - len(moments))]:
        told = expected.run.moments[kill["kill_at"] - 1] if "kill_at" in kill else "at random"
        killed["at random" if "kill_after" in kill else "at a moment"] += 1
        if found := killed_home.trial(scenario.arguments, expected, [kill]):
            wrong[f"{kill} {told}"] = found
    print(f"\n{scenario.name}: {len(expected.run.moments)} moments; killed {dict(killed)}; other than expected {wrong}")
    assert wrong == {}
