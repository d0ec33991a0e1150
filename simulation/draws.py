"""Random numbers that depend on what they are for, never on how many were drawn before.

Two kinds: a generator of its own for each (seed, day, purpose), and numbers hashed from an entity's own number, so
that user 4711 is the same user on whichever day the world is looked at.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def generator(seed: int, day: int, purpose: str) -> np.random.Generator:
    """The generator of one purpose on one day (`day` as `date.toordinal` gives it)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, day, crc32(purpose.encode())])))


def uniforms(seed: int, purpose: str, numbers: ArrayLike, columns: int = 1) -> Floats:
    """Numbers in (0, 1), shape (len(numbers), columns), each a pure function of its seed, purpose, number, column."""
    origin = _mixed(np.array([seed * 2**32 + crc32(purpose.encode())], dtype=np.uint64))
    rows = _mixed(np.asarray(numbers).astype(np.uint64) * _GOLDEN ^ origin)
    steps = np.arange(1, columns + 1, dtype=np.uint64) * _GOLDEN
    bits = _mixed(rows[:, np.newaxis] + steps[np.newaxis, :])
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def normals(seed: int, purpose: str, numbers: ArrayLike, columns: int = 1) -> Floats:
    """Standard normal numbers, shape (len(numbers), columns), by the Box-Muller transform of `uniforms`."""
    pairs = uniforms(seed, purpose, numbers, 2 * columns)
    radius = np.sqrt(-2.0 * np.log(pairs[:, :columns]))
    return radius * np.cos(2.0 * np.pi * pairs[:, columns:])


def weighted(picks: Floats, weights: Floats) -> Ints:
    """Indices into `weights`, one for each uniform number in `picks`, with probability proportional to weight."""
    edges = np.cumsum(weights)
    return np.minimum(np.searchsorted(edges, picks * edges[-1], side="right"), len(weights) - 1)


def weighted_by_row(picks: Floats, weights: Floats) -> Ints:
    """One column index for each row of `weights`, shape (len(picks), columns), proportional to the row's weights."""
    edges = np.cumsum(weights, axis=1)
    chosen = (picks[:, np.newaxis] * edges[:, -1:] >= edges).sum(axis=1)
    return np.minimum(chosen, weights.shape[1] - 1)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every input bit reaches every output bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
