"""Processes that write one table at the same moment."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

from pyiceberg.expressions import EqualTo

from conf.dataset import load_dataset
from jobs.store.tables import Store

WRITERS, ROUNDS = 4, 4
FIRST = date(2026, 1, 1)
CLICK_LOG = Path(__file__).parents[1] / "data" / "click_log.yaml"

together: Barrier
"""Of a writer process: all writers begin a round at the same moment."""


def meet_at(barrier: Barrier) -> None:
    global together
    together = barrier


def opened(home: str) -> Store:
    return Store.open(
        namespace="click_log",
        uri=f"sqlite:///{home}/catalog.db",
        warehouse=f"file://{home}/warehouse",
        properties={},
        dataset=load_dataset(str(CLICK_LOG)),
    )


def write_own_and_shared_days(home: str, writer: int) -> None:
    """In each round the writer's own day, and one that all write; each day as two rows that belong together."""
    store = opened(home)
    for number in range(ROUNDS):
        own, shared = FIRST + timedelta(days=writer), FIRST + timedelta(days=WRITERS + number)
        for day in (own, shared):
            rows = [
                dict.fromkeys(store.specs["clicks"].columns) | {"dt": day, "impression_id": f"{writer}-{number}"}
            ] * 2
            together.wait(timeout=60)
            store.replace_rows("clicks", EqualTo("dt", day), rows)


def test_each_day_holds_what_one_writer_wrote_last_and_nothing_twice(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WRITERS)
    with ProcessPoolExecutor(WRITERS, context, initializer=meet_at, initargs=(barrier,)) as writers:
        for done in [writers.submit(write_own_and_shared_days, str(tmp_path), writer) for writer in range(WRITERS)]:
            done.result(timeout=120)
    held: dict[date, list[str]] = {}
    for row in opened(str(tmp_path)).rows("clicks"):
        held.setdefault(row["dt"], []).append(row["impression_id"])
    for writer in range(WRITERS):
        assert held[FIRST + timedelta(days=writer)] == [f"{writer}-{ROUNDS - 1}"] * 2
    for number in range(ROUNDS):
        rows = held[FIRST + timedelta(days=WRITERS + number)]
        assert rows in [[f"{writer}-{number}"] * 2 for writer in range(WRITERS)]
