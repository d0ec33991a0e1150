"""Tune: model settings searched on days that are mature on a night, and written as an overlay that can be adopted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from conf.errors import SettingsError
from conf.notation import names_in
from conf.settings import merged
from jobs.executor_trees import fit_trees
from jobs.feature_list import model_columns
from jobs.train import model_settings, training_batches
from jobs.training_data import mature_days, split_days
from jobs.workspace import Workspace

if TYPE_CHECKING:
    from models.search import SearchResult, Trial
    from models.settings import ModelKind
    from models.split import TimeSplit

TUNED: tuple[ModelKind, ...] = ("logistic_regression", "xgboost")
BLOCKS: Mapping[str, str] = {"logistic_regression": "logistic", "xgboost": "boosted"}
"""The block of `training.model` that a kind reads."""
Announce = Callable[["ModelKind", "Trial"], None]


@dataclass(frozen=True)
class TunedKind:
    """What the search found for one kind of model; NE of uncalibrated predictions on the validation days.

    `ne_before` is that of the settings in force, `parameters` what the best trial had.
    """

    model: str
    trials: int
    seconds: float
    ne_before: float
    ne: float
    parameters: dict[str, float]


@dataclass(frozen=True)
class Tuning:
    """A search as of a night: which days were read, what was found, and the file that holds it."""

    dataset: str
    night: date
    train_days: tuple[date, ...]
    validation_days: tuple[date, ...]
    found: tuple[TunedKind, ...]
    file: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return asdict(self)


def tune(
    workspace: Workspace,
    night: date,
    kinds: Sequence[ModelKind],
    file: Path,
    *,
    minutes: float,
    trials: int,
    announce: Announce = lambda *_: None,
) -> Tuning:
    """Search each kind's settings for an equal share of the minutes, and write what was found.

    Days are split as a training on that night would split them. Trials learn from its training days and are judged
    on its validation days. The holdout days and all that came later are not read: there what was found can be proved.

    Raises:
        NotReady: too few mature days.
    """
    split = split_days(workspace, mature_days(workspace, night), workspace.settings.training.window_days)
    results = {kind: _searched(workspace, kind, split, 60.0 * minutes / len(kinds), trials, announce) for kind in kinds}
    found = tuple(_found(kind, result) for kind, result in results.items())
    tuning = Tuning(workspace.dataset.name, night, split.train, split.validation, found, str(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_overlay(workspace, tuning), encoding="utf-8")
    return tuning


def tuned_kinds(text: str) -> tuple[ModelKind, ...]:
    """Kinds of model named with commas; all that have something to search where none is named.

    Raises:
        SettingsError: a kind without settings of its own.
    """
    named = names_in(text)
    if unknown := [kind for kind in named if kind not in TUNED]:
        raise SettingsError(
            f"--models: nothing to search for `{unknown[0]}`. Known: {', '.join(TUNED)}; a mix is made of both."
        )
    return tuple(kind for kind in TUNED if kind in named or not named)


def _searched(
    workspace: Workspace, kind: ModelKind, split: TimeSplit, seconds: float, trials: int, announce: Announce
) -> SearchResult:
    from models.search import search_settings

    training = workspace.settings.training
    return search_settings(
        kind,
        model_settings(workspace),
        model_columns(workspace.dataset),
        *training_batches(workspace, split),
        training.sampling_rate,
        trials=trials,
        seconds=seconds,
        seed=training.seed,
        fit_trees=fit_trees(workspace),
        announce=lambda trial: announce(kind, trial),
    )


def _found(kind: ModelKind, result: SearchResult) -> TunedKind:
    best = min(result.trials, key=lambda trial: trial.ne)
    return TunedKind(
        kind,
        len(result.trials),
        sum(trial.seconds for trial in result.trials),
        result.trials[0].ne,
        best.ne,
        {name: value if isinstance(value, int) else float(f"{value:.4g}") for name, value in best.parameters.items()},
    )


def _overlay(workspace: Workspace, tuning: Tuning) -> str:
    """A settings overlay: the model settings in force, with what was found laid over them."""
    found = {BLOCKS[tuned.model]: tuned.parameters for tuned in tuning.found}
    content = {"training": {"model": merged(workspace.settings.training.model, found)}}
    told = [
        f"Found by `ctr tune` for {tuning.dataset} as of the night of {tuning.night}. Learned from",
        f"{tuning.train_days[0]} to {tuning.train_days[-1]}, judged on {', '.join(map(str, tuning.validation_days))}; "
        "no later day was read.",
        *[
            f"{tuned.model}: NE {tuned.ne_before:.4f} with the settings in force, {tuned.ne:.4f} with these, "
            f"best of {tuned.trials} trials."
            for tuned in tuning.found
        ],
        "Use it as an overlay (`--env FILE`), or copy the block into your own.",
    ]
    return "".join(f"# {line}\n" for line in told) + yaml.safe_dump(content, sort_keys=False)
