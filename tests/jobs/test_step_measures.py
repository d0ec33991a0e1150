from datetime import date, timedelta

import numpy as np
import pytest
from pyiceberg.expressions import EqualTo

from jobs.night import run_training, training_request
from jobs.process_memory import peak_mb, restart_peak
from jobs.step import StepResult, Stopwatch, save_record
from jobs.step_trend import slowest_step, trend
from jobs.summary import slowest_line

DAY = date(2026, 1, 1)


def test_peak_memory_forgets_what_an_earlier_step_had_let_go():
    if not restart_peak():
        pytest.skip("the kernel does not let a process set back its high-water mark")
    first = np.ones(200 * 2**20, dtype=np.uint8)
    during = peak_mb()
    del first
    restart_peak()
    assert peak_mb() < during - 150


def test_a_step_tells_rows_read_and_bytes_written_of_its_own_alone(tiny_inline):
    store = tiny_inline.store
    row = dict.fromkeys(store.specs["examples"].columns) | {"dt": DAY, "impression_id": "i"}
    store.replace_rows("examples", EqualTo("dt", DAY), [row, row | {"impression_id": "j"}])
    store.read(tiny_inline.engine, "examples")
    watch = Stopwatch(store.meter)
    store.read(tiny_inline.engine, "examples", EqualTo("dt", DAY))
    store.read(tiny_inline.engine, "examples", EqualTo("dt", DAY))  # the same file counts once
    store.replace_rows("candidates", EqualTo("dt", DAY), [{"dt": DAY, "pair_id": "p"}])
    written = sum(len(store.table("candidates").io.new_input(file)) for file in store.files("candidates"))
    landed = StepResult("ingest", DAY, {"candidates": 1}, {"balance": {"impressions": {"landed": 7}}})
    measured = watch.measured(landed)
    assert measured["rows_in"] == 2 + 1 + 7  # the line above looked at the candidates
    assert (measured["rows"], measured["bytes_written"]) == (1, written)
    assert measured["rows_per_second"] == pytest.approx(10 / measured["seconds"], rel=0.1)


def test_the_record_keeps_every_measure(tiny_inline):
    save_record(
        tiny_inline, Stopwatch(tiny_inline.store.meter).record(StepResult("score", DAY, {"predictions": 3}), {})
    )
    (row,) = tiny_inline.store.rows("runs")
    missing = [name for name, value in row.items() if value is None]
    assert missing == []
    assert slowest_step(tiny_inline)["step"] == "score"


def test_the_trend_is_of_the_slowest_step_of_the_latest_night():
    nights = [DAY + timedelta(days=ahead) for ahead in range(14)]
    runs = [{"dt": day, "step": "label", "seconds": 1.0} for day in nights]
    runs += [{"dt": day, "step": "score", "seconds": 2.0 if day < nights[7] else 3.0} for day in nights]
    runs += [{"dt": nights[5], "step": "train", "seconds": 60.0}]
    found = trend(runs)
    assert (found["step"], found["median_seconds"], found["median_seconds_before"]) == ("score", 3.0, 2.0)
    assert slowest_line(found) == (
        "Slowest step: score, 3.0 s on 2026-01-14; median 3.0 s in the last 7 nights, 2.0 s before (+50%)."
    )


def test_without_an_earlier_week_there_is_no_trend():
    found = trend([{"dt": DAY, "step": "label", "seconds": 1.0}])
    assert found["change"] is None
    assert slowest_line(found).endswith("no earlier week to compare with.")


def test_a_training_logs_what_it_took_with_its_run(filled):
    from learnable import day

    from jobs.tracking import client

    result = run_training(filled, training_request(filled, day(5), "test", models=("logistic_regression",)))
    store = client(filled)
    run = store.get_model_version(filled.model_name, result.detail["version"]).run_id
    metrics = store.get_run(run).data.metrics
    (row,) = [row for row in filled.store.rows("runs") if row["step"] == "train"]
    for name in ("seconds", "cpu_seconds", "peak_mb", "rows_in", "rows_per_second", "bytes_written"):
        assert metrics[f"system/{name}"] == row[name]
        assert row[name] > 0
