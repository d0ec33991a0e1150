"""Backtest: how good each kind of model would have been, day by day, had it been trained on the eve of every day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from conf.errors import NotReady, SettingsError, StoreError
from conf.notation import names_in
from features.evidence import evidence_of
from jobs.executor_trees import fit_trees
from jobs.feature_list import model_columns
from jobs.night import nights_between
from jobs.train import model_settings, training_batches
from jobs.training_data import clusters_of, described_days, examples_table, mature_days
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from models.columns import FeatureColumns
    from models.intervals import Interval
    from models.metrics import Evaluation
    from models.rivals import RivalName
    from models.settings import ModelKind
    from models.split import TimeSplit

BASELINE = "constant"
TRUE = "true"
"""Stands for the simulated world's own click probabilities: no model can do better, but by chance."""
Announce = Callable[[date, str], None]


@dataclass(frozen=True)
class DayFigures:
    """One model's figures on one test day, and what its validation day chose (rounds, weight of the trees)."""

    day: date
    model: str
    train_days: tuple[date, ...]
    validation_days: tuple[date, ...]
    evaluation: Evaluation
    chosen: dict[str, float]


@dataclass(frozen=True)
class ModelFigures:
    """One model over all test days: means of the daily figures, and the deviation of NE from day to day.

    `ne` has 95 % limits by user; `gain` is its NE minus that of the first model that learns, with limits, or None for
    that model and the baseline. `share` is what it captures of the information that there is, where the truth is known
    and the constant competes: (NE of the constant - NE) / (NE of the constant - NE of the truth).
    """

    model: str
    ne: Interval | None
    ne_deviation: float
    auc: float
    calibration_ratio: float
    log_loss: float
    gain: Interval | None
    share: float | None = None


@dataclass(frozen=True)
class EvidenceFigures:
    """One model on the rows of all test days whose user, ad or pair was never seen, seen little or seen much."""

    model: str
    slice: str
    level: str
    evaluation: Evaluation


@dataclass(frozen=True)
class Backtest:
    """All figures, days and models in the order asked for."""

    dataset: str
    days: tuple[DayFigures, ...]
    models: tuple[ModelFigures, ...]
    evidence: tuple[EvidenceFigures, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class Scored:
    """One test day's labels, clusters and levels of evidence, and each model's predictions."""

    labels: np.ndarray
    clusters: np.ndarray
    evidence: dict[str, np.ndarray]
    p: dict[str, np.ndarray]


def backtest(
    workspace: Workspace,
    first: date,
    last: date,
    models: Sequence[ModelKind],
    announce: Announce = lambda *_: None,
    beside: Sequence[RivalName] = (),
) -> Backtest:
    """Walk forward over the test days from `first` to `last`.

    For each, models learn as on the eve: from days up to the validation day, which chooses rounds, weight and
    calibrator, and from the validation day too where `refit` is set. Only days whose labels were final on the eve are
    used. Training examples are streamed; of the test days, predictions and labels are kept. Libraries named
    `beside` learn from the same examples, which they hold in memory.

    Raises:
        NotReady: days have no training examples, or too few lie before the first test day.
    """
    tests = nights_between(first, last)
    check_days(workspace, tests)
    figures, scored = [], []
    for day in tests:
        found, predictions = tested(workspace, day, models, announce, beside=beside)
        figures += found
        scored.append(predictions)
    learned = [model for model in models if model != BASELINE]
    shown = [*models, *beside, *([TRUE] if all(TRUE in day.p for day in scored) else [])]
    overall = [_overall(model, learned[0] if learned else model, figures, scored) for model in shown]
    by_evidence = tuple(found for model in shown if model not in beside for found in _by_evidence(model, scored))
    return Backtest(workspace.dataset.name, tuple(figures), tuple(_with_shares(overall)), by_evidence)


def model_kinds(text: str) -> tuple[ModelKind, ...]:
    """Kinds of model named with commas, simplest first; all of them where none is named.

    Raises:
        SettingsError: a kind that does not exist.
    """
    from models.settings import MODEL_KINDS

    named = names_in(text)
    unknown = [kind for kind in named if kind not in MODEL_KINDS]
    if unknown:
        raise SettingsError(f"--models: unknown kind `{unknown[0]}`. Known: {', '.join(MODEL_KINDS)}.")
    return tuple(kind for kind in MODEL_KINDS if kind in named or not named)


def training_days(workspace: Workspace, day: date) -> TimeSplit:
    """Training and validation days of a model made on the eve of `day`. No holdout: the day itself is the proof."""
    from models.split import time_split

    training, gap = workspace.settings.training, workspace.dataset.maturity_days
    known = mature_days(workspace, day - timedelta(days=1))
    kept = training.window_days + gap + training.validation_days
    return time_split(
        known[-kept:],
        validation_days=training.validation_days,
        holdout_days=0,
        gap_days=gap,
        min_train_days=training.min_train_days,
    )


def check_days(workspace: Workspace, tests: Sequence[date]) -> None:
    """Raises NotReady where a test day cannot be predicted and judged."""
    known = described_days(workspace)
    if missing := [day for day in tests if day not in known]:
        start = min([missing[0], *[day + timedelta(days=1) for day in known[-1:]]])
        end = tests[-1] + timedelta(days=workspace.dataset.maturity_days)
        raise NotReady(
            f"No training examples with features for {', '.join(map(str, missing))}. Run the nights first, from the "
            f"log's first day where none have been run: `ctr replay --dataset {workspace.dataset.name} "
            f"--start {start} --end {end}`."
        )
    training_days(workspace, tests[0])


def tested(
    workspace: Workspace,
    day: date,
    models: Sequence[ModelKind],
    announce: Announce,
    columns: FeatureColumns | None = None,
    beside: Sequence[RivalName] = (),
) -> tuple[list[DayFigures], Scored]:
    """Models made on the eve of a day, and what they say of it; from `columns`, or all that the data set has."""
    from models.bundle import train_bundles
    from models.metrics import evaluation
    from models.rivals import fit_rivals

    split = training_days(workspace, day)
    rows = examples_table(workspace, [day])
    labels = rows["clicked"].to_numpy()
    figures: list[DayFigures] = []
    p: dict[str, np.ndarray] = true_probabilities(workspace, day, rows)
    for true, of_truth in p.items():
        figures.append(DayFigures(day, true, (), (), evaluation(of_truth, labels), {}))
    how = (
        model_settings(workspace),
        columns or model_columns(workspace.dataset),
        *training_batches(workspace, split),
        workspace.settings.training.sampling_rate,
    )

    def told(model: str, of_model: np.ndarray, chosen: dict[str, float]) -> None:
        announce(day, model)
        p[model] = of_model
        figures.append(DayFigures(day, model, split.train, split.validation, evaluation(of_model, labels), chosen))

    half_life = 0.0
    for model, bundle in train_bundles(models, *how, fit_trees(workspace)):
        half_life = bundle.summary["half_life_days"]
        names = ("half_life_days", "rounds", "tree_weight")
        told(model, bundle.predict(rows), {name: bundle.summary[name] for name in names if name in bundle.summary})
    for rival, fitted in fit_rivals(beside, *how, half_life):
        told(rival, fitted.predict(rows), {"half_life_days": half_life, "rounds": float(fitted.rounds)})
    return figures, Scored(labels, clusters_of(rows), evidence_of(rows, workspace.dataset), p)


def true_probabilities(workspace: Workspace, day: date, rows: pa.Table) -> dict[str, np.ndarray]:
    """The simulated world's own p(click) of each row, as the model `true`; empty for a log that nobody simulated."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    file = workspace.home.truth / f"{day}.parquet"
    if workspace.dataset.name != "simulated" or not file.is_file():
        return {}
    truth = pq.read_table(file)
    positions = pc.index_in(rows["impression_id"], value_set=truth["impression_id"].combine_chunks())
    if positions.null_count:
        raise StoreError(f"{file} lacks {positions.null_count:,} impressions of {day}: simulate the day again.")
    return {TRUE: truth["p_click"].take(positions).to_numpy()}


def _with_shares(overall: Sequence[ModelFigures]) -> Iterator[ModelFigures]:
    ne = {model.model: model.ne.estimate for model in overall if model.ne}
    known = BASELINE in ne and TRUE in ne
    for model in overall:
        share = (ne[BASELINE] - ne[model.model]) / (ne[BASELINE] - ne[TRUE]) if known and model.ne else None
        yield replace(model, share=share)


def _by_evidence(model: str, scored: Sequence[Scored]) -> Iterator[EvidenceFigures]:
    import numpy as np

    from models.metrics import evaluation_by_slice

    p, labels = (np.concatenate(parts) for parts in zip(*((day.p[model], day.labels) for day in scored), strict=True))
    levels = {name: np.concatenate([day.evidence[name] for day in scored]) for name in scored[0].evidence}
    for found in evaluation_by_slice(p, labels, levels):
        yield EvidenceFigures(model, found.slice_name, found.slice_value, found.evaluation)


def _overall(model: str, reference: str, figures: Sequence[DayFigures], scored: Sequence[Scored]) -> ModelFigures:
    import numpy as np

    from models.intervals import mean_ne_difference_interval, mean_ne_interval

    own = [figure.evaluation for figure in figures if figure.model == model]
    mean = {
        name: float(np.mean([getattr(found, name) for found in own if getattr(found, name) is not None]))
        for name in ("auc", "calibration_ratio", "log_loss")
    }
    gain = None
    if model not in (BASELINE, TRUE, reference):
        gain = mean_ne_difference_interval(
            [(day.p[model], day.p[reference], day.labels, day.clusters) for day in scored]
        )
    return ModelFigures(
        model=model,
        ne=mean_ne_interval([(day.p[model], day.labels, day.clusters) for day in scored]),
        ne_deviation=float(np.std([found.ne for found in own if found.ne is not None])),
        gain=gain,
        **mean,
    )
