"""Processes that write one table at the same moment."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from pyiceberg.expressions import EqualTo

from conf.dataset import load_dataset
from jobs.store.tables import Store

WRITERS, ROUNDS = 4, 4
FIRST = date(2026, 1, 1)
WRITTEN_IN = {"clicks": "impression_id", "runs": "detail"}
"""Tables of a file a day, and of a file a month; and the column that tells who wrote a row."""
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


def write_own_and_shared_days(home: str, table: str, writer: int) -> None:
    """In each round the writer's own day, and one that all write; each day as two rows that belong together."""
    store = opened(home)
    for number in range(ROUNDS):
        own, shared = FIRST + timedelta(days=writer), FIRST + timedelta(days=WRITERS + number)
        for day in (own, shared):
            row = dict.fromkeys(store.specs[table].columns) | {"dt": day, WRITTEN_IN[table]: f"{writer}-{number}"}
            together.wait(timeout=60)
            store.replace_rows(table, EqualTo("dt", day), [row] * 2)


@pytest.mark.parametrize("table", WRITTEN_IN)
def test_each_day_holds_what_one_writer_wrote_last_and_nothing_twice(tmp_path, table):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(WRITERS)
    with ProcessPoolExecutor(WRITERS, context, initializer=meet_at, initargs=(barrier,)) as writers:
        write = partial(writers.submit, write_own_and_shared_days, str(tmp_path), table)
        for done in [write(writer) for writer in range(WRITERS)]:
            done.result(timeout=120)
    held: dict[date, list[str]] = {}
    for row in opened(str(tmp_path)).rows(table):
        held.setdefault(row["dt"], []).append(row[WRITTEN_IN[table]])
    for writer in range(WRITERS):
        assert held[FIRST + timedelta(days=writer)] == [f"{writer}-{ROUNDS - 1}"] * 2
    for number in range(ROUNDS):
        rows = held[FIRST + timedelta(days=WRITERS + number)]
        assert rows in [[f"{writer}-{number}"] * 2 for writer in range(WRITERS)]
