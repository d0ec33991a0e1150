"""A uniform sample of rows of a stream, of bounded size."""

from __future__ import annotations

import numpy as np


class RowSample:
    """Keeps the `capacity` rows with the smallest random priorities: each row of the stream is as likely as any other.

    The same rows in the same order give the same sample, however they are cut into batches.
    """

    def __init__(self, width: int, capacity: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._capacity = capacity
        self._rows = np.empty((0, width))
        self._priorities = np.empty(0)

    def add(self, rows: np.ndarray) -> None:
        """Offers rows, shape (rows, width)."""
        priorities = self._random.random(len(rows))
        if len(self._priorities) >= self._capacity:
            better = priorities < np.max(self._priorities)
            rows, priorities = rows[better], priorities[better]
        self._rows = np.concatenate([self._rows, rows])
        self._priorities = np.concatenate([self._priorities, priorities])
        if len(self._priorities) > self._capacity:
            kept = np.sort(np.argpartition(self._priorities, self._capacity)[: self._capacity])
            self._rows, self._priorities = self._rows[kept], self._priorities[kept]

    @property
    def rows(self) -> np.ndarray:
        """The sample, shape (at most capacity, width)."""
        return self._rows
