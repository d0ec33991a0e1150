"""Logistic regression on sparse rows, solved exactly in blocks of bounded size."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from conf.errors import NotReady
from models.batches import Batches, labels_of, weights_of
from models.bounds import AboveZero, Count, Seed
from models.hashing_encoder import HashingEncoder
from models.probability import probability

_FILE = "logistic.npz"


@dataclass(frozen=True)
class LogisticSettings:
    """`c` is the inverse of the L2 penalty. `block_rows` bounds memory: about 2 kB a row at 80 entries a row.

    Up to 1.5 blocks of rows are solved at once, which is the exact optimum; more are solved block by block and joined.
    Stopping at `max_iterations` is ordinary: late iterations move the weights of rare categories alone.
    """

    c: AboveZero = 0.007
    max_iterations: Count = 30
    tolerance: AboveZero = 1e-4
    block_rows: Count = 1_000_000
    seed: Seed = 7


@dataclass(frozen=True)
class LogisticModel:
    """p = 1 / (1 + exp(-(row @ coefficients + intercept)))."""

    coefficients: np.ndarray
    intercept: float

    def predict(self, matrix: sparse.csr_matrix) -> np.ndarray:
        """Probabilities as float64, shape (rows,)."""
        return probability(matrix @ self.coefficients + self.intercept)

    def save(self, folder: Path) -> None:
        """Writes logistic.npz; buckets that no training row used take next to no room."""
        np.savez_compressed(folder / _FILE, coefficients=self.coefficients, intercept=np.float64(self.intercept))

    @classmethod
    def load(cls, folder: Path) -> LogisticModel:
        """The model that `save` wrote."""
        with np.load(folder / _FILE, allow_pickle=False) as arrays:
            return cls(arrays["coefficients"], float(arrays["intercept"]))


@dataclass(frozen=True)
class _Block:
    matrix: sparse.csr_matrix
    labels: np.ndarray
    weights: np.ndarray


def fit_logistic(train: Batches, encoder: HashingEncoder, settings: LogisticSettings | None = None) -> LogisticModel:
    """The L2-penalised maximum-likelihood weights.

    Several blocks are joined as Gaussian posteriors with diagonal precision: each block's weights count by the
    curvature of its own log loss, so a feature seen in one block only keeps that block's weight (Agarwal et al.,
    "A Reliable Effective Terascale Linear Learning System", 2014, section 2.2).

    Raises NotReady where the rows hold no click or nothing but clicks.
    """
    settings = settings or LogisticSettings()
    ridge = np.append(np.full(encoder.width, 1.0 / settings.c), 0.0)  # the intercept is not penalised
    evidence = np.zeros(encoder.width + 1)
    precision = ridge.copy()
    weights: np.ndarray | None = None
    for block in _blocks(train, encoder, settings.block_rows):
        solved = _solved(block, weights, settings)
        curvature = _curvature(block, solved)
        evidence += (curvature + ridge) * solved
        precision += curvature
        weights = evidence / np.maximum(precision, 1e-12)
        del block  # the next one is gathered before it would be let go
    if weights is None:
        raise NotReady("The training window has no rows: widen it, or wait until labels have matured.")
    return LogisticModel(weights[:-1].astype(np.float32), float(weights[-1]))


def _solved(block: _Block, start: np.ndarray | None, settings: LogisticSettings) -> np.ndarray:
    """Coefficients and, last, the intercept of one block, float64."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(block.labels)) < 2:
        raise NotReady(
            f"{len(block.labels):,} training rows all have the label {block.labels[0]:.0f}: "
            "widen the training window or check the labels."
        )
    regression = LogisticRegression(
        C=settings.c,
        solver="lbfgs",
        max_iter=settings.max_iterations,
        tol=settings.tolerance,
        warm_start=start is not None,
        random_state=settings.seed,
    )
    if start is not None:
        regression.coef_ = start[None, :-1].astype(np.float32)
        regression.intercept_ = start[-1:].astype(np.float32)
    with warnings.catch_warnings():
        # Stopping at max_iterations is the budget that was asked for, not a fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(block.matrix, block.labels, sample_weight=block.weights)
    return np.append(regression.coef_[0], regression.intercept_).astype(np.float64)


def _curvature(block: _Block, weights: np.ndarray) -> np.ndarray:
    """The diagonal of the log loss's Hessian: sum of w p (1 - p) x^2 by column, the intercept last."""
    p = probability(block.matrix @ weights[:-1] + weights[-1])
    spread = block.weights * p * (1.0 - p)
    matrix = block.matrix
    squared = sparse.csr_matrix((matrix.data**2, matrix.indices, matrix.indptr), shape=matrix.shape)
    return np.append(squared.T @ spread, spread.sum())


def _blocks(train: Batches, encoder: HashingEncoder, block_rows: int) -> Iterator[_Block]:
    """Blocks of `block_rows` rows; the last one takes a tail of up to half a block with it."""
    gathered: list[_Block] = []
    rows = 0
    for batch in train:
        labels, weights = labels_of(batch), weights_of(batch)
        weights = np.ones(len(labels)) if weights is None else weights
        gathered.append(_Block(encoder.encode(batch), labels, weights))
        rows += len(labels)
        if rows >= 1.5 * block_rows:
            block, rest = _parted(_joined(gathered), block_rows)
            gathered, rows = [rest], len(rest.labels)
            yield block
            del block  # the next one is not gathered beside it
    if rows:
        last = _joined(gathered)
        gathered.clear()  # the solver needs the memory
        yield last


def _parted(rows: _Block, first: int) -> tuple[_Block, _Block]:
    head = _Block(rows.matrix[:first], rows.labels[:first], rows.weights[:first])
    return head, _Block(rows.matrix[first:], rows.labels[first:], rows.weights[first:])


def _joined(blocks: list[_Block]) -> _Block:
    return _Block(
        sparse.vstack([block.matrix for block in blocks], format="csr"),
        np.concatenate([block.labels for block in blocks]),
        np.concatenate([block.weights for block in blocks]),
    )
