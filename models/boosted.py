"""Gradient-boosted trees: XGBoost fed batch by batch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import numpy as np

from conf.errors import NotReady
from models.batches import Batches, labels_of, weights_of
from models.bounds import AboveZero, Bins, Count, CountOrNone, Depth, Seed, Share, ZeroOrMore
from models.matrix_encoder import MatrixEncoder

if TYPE_CHECKING:
    import xgboost as xgb

_FILE = "booster.ubj"


@dataclass(frozen=True)
class BoostedSettings:
    """XGBoost's parameters by their own names. `threads` 0 means all cores.

    Binned rows take about one byte a cell in memory. With `external_memory` they lie in temporary files instead.
    XGBoost reads the rows about four times to bin them: encoded once, they lie in a temporary file meanwhile, four
    bytes a cell.
    """

    eta: AboveZero = 0.05
    max_depth: Depth = 4
    min_child_weight: ZeroOrMore = 50.0
    subsample: Share = 0.8
    colsample_bytree: Share = 0.5
    reg_lambda: ZeroOrMore = 10.0
    max_bin: Bins = 128
    max_rounds: Count = 400
    early_stopping_rounds: Count = 40
    device: Literal["cpu", "cuda"] = "cpu"
    external_memory: bool = False
    threads: CountOrNone = 0
    seed: Seed = 7

    def parameters(self) -> dict[str, Any]:
        """The parameters of xgboost.train."""
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "eta": self.eta,
            "max_depth": self.max_depth,
            "min_child_weight": self.min_child_weight,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "lambda": self.reg_lambda,
            "max_bin": self.max_bin,
            "device": self.device,
            "nthread": self.threads,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class BoostedModel:
    """A booster, cut at its best round."""

    booster: xgb.Booster

    @property
    def rounds(self) -> int:
        """The number of trees."""
        return self.booster.num_boosted_rounds()

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Probabilities as float64, shape (rows,)."""
        return np.asarray(self.booster.inplace_predict(matrix), dtype=np.float64)

    def gains(self) -> dict[str, float]:
        """Total loss reduction by feature, largest first; features that no tree used are absent."""
        gains = self.booster.get_score(importance_type="total_gain")
        totals = {name: float(np.sum(gain)) for name, gain in gains.items()}
        return dict(sorted(totals.items(), key=lambda item: (-item[1], item[0])))

    def save(self, folder: Path) -> None:
        """Writes booster.ubj."""
        self.booster.save_model(folder / _FILE)

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        return bytes(self.booster.save_raw("ubj"))

    @classmethod
    def load(cls, folder: Path, threads: int = 0) -> BoostedModel:
        """The model that `save` wrote, for prediction on the CPU with so many threads, 0 meaning all cores."""
        return cls.from_bytes((folder / _FILE).read_bytes(), threads)

    @classmethod
    def from_bytes(cls, state: bytes, threads: int = 0) -> BoostedModel:
        """The model that `to_bytes` gave, for prediction on the CPU with so many threads, 0 meaning all cores."""
        import xgboost as xgb

        return cls(xgb.Booster(params={"device": "cpu", "nthread": threads}, model_file=bytearray(state)))


FitTrees = Callable[[Batches, Batches | None, MatrixEncoder, BoostedSettings], BoostedModel]
"""A way to fit trees: rows to learn from, rows that stop it, their encoder, and how. `fit_boosted` is one."""


def fit_boosted(
    train: Batches, validation: Batches | None, encoder: MatrixEncoder, settings: BoostedSettings | None = None
) -> BoostedModel:
    """Trees until the log loss of the validation rows has not fallen for `early_stopping_rounds`, or `max_rounds`.

    Without validation rows, `max_rounds` trees. Raises NotReady where there are no training rows or only one label.
    Processes that have joined in XGBoost's collective learn one model together, each from the rows that it is given.
    """
    import xgboost as xgb

    settings = settings or BoostedSettings()
    with tempfile.TemporaryDirectory() as folder:
        binned = _binned(train, encoder, settings, folder, reference=None)
        watched = []
        if validation is not None and _rows_somewhere(validation):
            watched = [(_binned(validation, encoder, settings, folder, reference=binned), "validation")]
        booster = xgb.train(
            settings.parameters(),
            binned,
            num_boost_round=settings.max_rounds,
            evals=watched,
            early_stopping_rounds=settings.early_stopping_rounds if watched else None,
            verbose_eval=False,
        )
        del binned, watched  # they hold files in the folder open
    if booster.attr("best_iteration") is not None:
        booster = booster[: booster.best_iteration + 1]
    booster.set_param({"device": "cpu"})
    return BoostedModel(booster)


def _binned(
    batches: Batches, encoder: MatrixEncoder, settings: BoostedSettings, folder: str, reference: xgb.DMatrix | None
) -> xgb.DMatrix:
    """The rows cut into the bins of `reference`, or into bins of their own, which makes them the training rows."""
    import xgboost as xgb

    if not _rows_somewhere(batches):
        raise NotReady("The training window has no rows: widen it, or wait until labels have matured.")
    options: dict[str, Any] = {
        "max_bin": settings.max_bin,
        "nthread": settings.threads,
        "ref": reference,
    }
    place = f"{folder}/{'train' if reference is None else 'validation'}"
    rows = _EncodedRows(batches, encoder, Path(f"{place}.rows"))
    if settings.external_memory:
        binned: xgb.DMatrix = xgb.ExtMemQuantileDMatrix(_iterator(rows, encoder, place), **options)
    else:
        binned = xgb.QuantileDMatrix(_iterator(rows, encoder, None), **options)
    rows.file.unlink()
    if reference is None:
        _require_both_labels(binned.get_label())
    return binned


def _require_both_labels(labels: np.ndarray) -> None:
    counts = _sum_of_all(np.array([np.sum(labels == label) for label in (0.0, 1.0)]))
    if not counts.all():
        raise NotReady(
            f"{counts.sum():,} training rows all have the label {np.argmax(counts)}: "
            "widen the training window or check the labels."
        )


def _rows_somewhere(batches: Batches) -> bool:
    rows = any(batch.num_rows for batch in batches)
    return bool(_sum_of_all(np.array([rows], dtype=np.int64))[0])


def _sum_of_all(values: np.ndarray) -> np.ndarray:
    """The sum over all processes that learn together, which is the values themselves where one learns alone."""
    from xgboost import collective

    return collective.allreduce(values, collective.Op.SUM)


@dataclass(frozen=True)
class _EncodedBatch:
    matrix: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None

    def write(self, file: BinaryIO) -> None:
        """Append the batch to a file, for `read`."""
        weights = np.empty(0) if self.weights is None else self.weights
        for array in (self.matrix, self.labels, weights):
            np.save(file, array, allow_pickle=False)

    @classmethod
    def read(cls, file: BinaryIO) -> _EncodedBatch:
        """The batch that the file goes on with."""
        matrix, labels, weights = (np.load(file, allow_pickle=False) for _ in range(3))
        return cls(matrix, labels, weights if len(weights) else None)


class _EncodedRows:
    """The encoded batches, again and again: the first time they are written to a file, from which they come afterwards.

    Without rows there is one empty batch: a process that learns together with others may have been given none.
    """

    def __init__(self, batches: Batches, encoder: MatrixEncoder, file: Path) -> None:
        self.file = file
        self._batches, self._encoder = batches, encoder
        self._written = 0

    def __iter__(self) -> Iterator[_EncodedBatch]:
        if self._written:
            yield from self._read()
            return
        written = 0
        with self.file.open("wb") as file:
            for batch in self._encoded():
                batch.write(file)
                written += 1
                yield batch
        self._written = written

    def _encoded(self) -> Iterator[_EncodedBatch]:
        batch = None
        for batch in self._batches:
            yield _EncodedBatch(self._encoder.encode(batch), labels_of(batch), weights_of(batch))
        if batch is None:
            yield _EncodedBatch(np.empty((0, len(self._encoder.feature_names)), np.float32), np.empty(0), None)

    def _read(self) -> Iterator[_EncodedBatch]:
        with self.file.open("rb") as file:
            for _ in range(self._written):
                yield _EncodedBatch.read(file)


def _iterator(rows: _EncodedRows, encoder: MatrixEncoder, cache: str | None) -> xgb.DataIter:
    """The rows in XGBoost's own protocol; of all it is handed, XGBoost keeps only bins."""
    import xgboost as xgb

    class EncodedRowsIterator(xgb.DataIter):
        def __init__(self) -> None:
            super().__init__(cache_prefix=cache, release_data=True)
            self.reset()

        def next(self, input_data: Callable[..., None]) -> bool:
            batch = next(self._batches, None)
            if batch is None:
                return False
            input_data(
                data=batch.matrix,
                label=batch.labels,
                weight=batch.weights,
                feature_names=list(encoder.feature_names),
            )
            return True

        def reset(self) -> None:
            self._batches = iter(rows)

    return EncodedRowsIterator()
