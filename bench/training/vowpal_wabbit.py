"""Vowpal Wabbit's default pass (adaptive, normalised updates; 18 bits) over the same rows, crosses and log counts."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.training.rows import columns, told

CLOSE = re.compile(r"[\s:|]")


def prepared(task: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """Imports Vowpal Wabbit; the work writes the rows as its text, learns in one pass, and predicts the holdout day."""
    from vowpalwabbit import Workspace

    def work() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            train, last = Path(folder, "train.txt"), Path(folder, "holdout.txt")
            write_text(task["train"], train)
            y = write_text(task["holdout"], last)
            written = time.perf_counter()
            learner = Workspace(f"--loss_function logistic --link logistic -b 18 --quiet -d {train} -f {folder}/model")
            learner.finish()
            learned = time.perf_counter()
            told_p = Path(folder, "p.txt")
            Workspace(f"-t -i {folder}/model --link logistic --quiet -d {last} -p {told_p}").finish()
            p = np.loadtxt(told_p)
        return told(p, y) | {"text_s": written - began, "pass_s": learned - written}

    return work


def write_text(files: Sequence[str], out: Path) -> np.ndarray:
    """Rows as lines of text; gives back their labels."""
    labels = []
    with out.open("w", encoding="utf-8") as stream:
        for clicked, line in lines(files):
            labels.append(clicked)
            stream.write(line)
    return np.array(labels)


def lines(files: Sequence[str]) -> Iterator[tuple[int, str]]:
    """The label and the line of each row: categories and crosses by name, numbers with their value."""
    import pyarrow.dataset as ds

    named = columns()
    for batch in ds.dataset(list(files), format="parquet").to_batches(columns=[*named.all, "clicked"]):
        texts = {
            name: [CLOSE.sub("_", str(value)) for value in batch.column(name).to_pylist()] for name in named.categorical
        }
        numbers = {name: batch.column(name).to_pylist() for name in (*named.numeric, *named.rates)}
        counts = {name: np.log1p(batch.column(name).to_numpy(zero_copy_only=False)).tolist() for name in named.counts}
        for row, clicked in enumerate(batch.column("clicked").to_pylist()):
            parts = [f"{name}={values[row]}" for name, values in texts.items()]
            parts += ["*".join(f"{name}={texts[name][row]}" for name in cross) for cross in named.crosses]
            parts += [
                f"{name}:{values[row]:.6g}" for name, values in (numbers | counts).items() if values[row] is not None
            ]
            yield clicked, f"{1 if clicked else -1} | {' '.join(parts)}\n"
