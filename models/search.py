"""Hyper-parameter search with Optuna: learn on the training days, judge by NE on the later validation days."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from conf.errors import NotReady, SettingsError
from models.batches import Batches
from models.boosted import FitTrees, fit_boosted
from models.bundle import train_bundles
from models.columns import FeatureColumns
from models.members import Members, members_that_forget
from models.settings import ModelKind, ModelSettings

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Trial:
    """One training: the parameters tried, and the NE of its uncalibrated predictions on the validation rows."""

    number: int
    parameters: Mapping[str, float]
    ne: float
    seconds: float


@dataclass(frozen=True)
class SearchResult:
    """The best settings, their NE, and every trial in order. The settings searched from are the first trial."""

    settings: ModelSettings
    ne: float
    trials: tuple[Trial, ...]


def search_settings(
    kind: ModelKind,
    settings: ModelSettings,
    columns: FeatureColumns,
    train: Batches,
    validation: Batches,
    sampling_rate: float = 1.0,
    *,
    trials: int = 20,
    seconds: float | None = None,
    seed: int = 7,
    fit_trees: FitTrees = fit_boosted,
    announce: Callable[[Trial], None] = lambda _: None,
) -> SearchResult:
    """Tries `settings` first, then up to `trials` - 1 proposals of a seeded TPE sampler.

    No trial starts after `seconds`; without that bound the same rows give the same result. The half-life is chosen
    once, before the trials. Since the validation rows choose, the NE of the winner is a little too good: prove it on
    holdout days. `announce` hears of each trial when it is done. Raises NotReady where NE is undefined.
    """
    import optuna

    if kind == "constant":
        raise SettingsError("The constant model has nothing to search: choose another kind.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = monotonic()
    forgetting = members_that_forget(Members(settings, columns, train, validation, sampling_rate))
    half_lives = (forgetting.half_life_days,)

    def validation_ne(trial: optuna.Trial) -> float:
        proposed = _proposed(trial, kind, settings)
        proposed = replace(proposed, calibration="identity", refit=False, half_life_days=half_lives)
        [(_, bundle)] = train_bundles([kind], proposed, columns, train, validation, sampling_rate, fit_trees)
        if "validation_ne" not in bundle.summary:
            raise NotReady("The validation days hold no click, or nothing but clicks: choose other days.")
        return bundle.summary["validation_ne"]

    def told(_: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        announce(_trial_of(trial))

    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(_current(kind, settings))
    study.optimize(validation_ne, n_trials=1, callbacks=[told])  # whatever the bound, there is a result
    seconds_left = None if seconds is None else seconds - (monotonic() - started)
    if trials > 1 and (seconds_left is None or seconds_left > 0.0):
        study.optimize(validation_ne, n_trials=trials - 1, timeout=seconds_left, callbacks=[told])
    chosen = _proposed(study.best_trial, kind, settings)
    return SearchResult(chosen, float(study.best_value), tuple(_trial_of(trial) for trial in study.trials))


def _proposed(
    trial: optuna.Trial | optuna.trial.FrozenTrial, kind: ModelKind, settings: ModelSettings
) -> ModelSettings:
    """The settings with this trial's parameters in place; a finished trial gives back what it had."""
    if kind in ("logistic_regression", "mix"):
        settings = replace(
            settings, logistic=replace(settings.logistic, c=trial.suggest_float("c", 1e-3, 10.0, log=True))
        )
    if kind in ("xgboost", "mix"):
        boosted = replace(
            settings.boosted,
            eta=trial.suggest_float("eta", 0.03, 0.4, log=True),
            max_depth=trial.suggest_int("max_depth", 3, 9),
            min_child_weight=trial.suggest_float("min_child_weight", 1.0, 200.0, log=True),
            subsample=trial.suggest_float("subsample", 0.5, 1.0),
            colsample_bytree=trial.suggest_float("colsample_bytree", 0.3, 1.0),
            reg_lambda=trial.suggest_float("reg_lambda", 0.5, 50.0, log=True),
        )
        settings = replace(settings, boosted=boosted)
    return settings


def _current(kind: ModelKind, settings: ModelSettings) -> dict[str, Any]:
    logistic = {"c": settings.logistic.c} if kind in ("logistic_regression", "mix") else {}
    names = ("eta", "max_depth", "min_child_weight", "subsample", "colsample_bytree", "reg_lambda")
    boosted = {name: getattr(settings.boosted, name) for name in names} if kind in ("xgboost", "mix") else {}
    return logistic | boosted


def _trial_of(trial: optuna.trial.FrozenTrial) -> Trial:
    if trial.value is None or trial.duration is None:
        raise NotReady(f"Trial {trial.number} of the search did not finish: search again.")
    return Trial(trial.number, dict(trial.params), float(trial.value), trial.duration.total_seconds())
