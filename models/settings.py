"""Everything that can be set about a model, with the defaults of an ordinary night."""

from __future__ import annotations

import reprlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from conf.errors import SettingsError
from conf.refusals import explained
from models.boosted import BoostedSettings
from models.bounds import AboveZero, ZeroOrMore
from models.calibration import CalibrationMethod
from models.constant import ConstantSettings
from models.hashing_encoder import HashingSettings
from models.logistic import LogisticSettings
from models.matrix_encoder import MatrixSettings

ModelKind = Literal["logistic_regression", "xgboost", "mix", "constant"]
MODEL_KINDS: tuple[ModelKind, ...] = ("constant", "logistic_regression", "xgboost", "mix")

GONE: Mapping[str, Collection[str]] = {"boosted": ("cached_rows",)}
"""What earlier versions could be set besides: models that were trained with it still load."""

_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class ModelSettings:
    """The settings of every kind of model; a kind reads those that concern it.

    `refit`: once the validation rows have chosen rounds, weight and calibrator, learn again from training and
    validation rows together, with `refit_rounds` times as many rounds for the larger number of rows.
    `calibration`: a refit has learned the click rate of the latest days already, so that a calibrator fitted before it
    corrects the same thing twice; without a refit, "platt" pays.
    `half_life_days`: the weight of a training day halves every so many days, 0 for all days alike; of several, the
    validation rows choose. A world that has just changed wants a short memory, a steady one a long.
    """

    calibration: CalibrationMethod = "identity"
    half_life_days: tuple[ZeroOrMore, ...] = (0.0, 3.0)
    refit: bool = True
    refit_rounds: AboveZero = 1.1
    constant: ConstantSettings = field(default_factory=ConstantSettings)
    logistic: LogisticSettings = field(default_factory=LogisticSettings)
    hashing: HashingSettings = field(default_factory=HashingSettings)
    boosted: BoostedSettings = field(default_factory=BoostedSettings)
    matrix: MatrixSettings = field(default_factory=MatrixSettings)

    def to_json(self) -> dict[str, Any]:
        """Nested plain values, as `from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ModelSettings:
        """Settings from nested mappings; what is absent keeps its default, an unknown key raises SettingsError."""
        parts = {
            "constant": ConstantSettings,
            "logistic": LogisticSettings,
            "hashing": HashingSettings,
            "boosted": BoostedSettings,
            "matrix": MatrixSettings,
        }
        read = {
            name: _settings_of(parts[name], value, name) if name in parts else value for name, value in state.items()
        }
        return _settings_of(cls, read, "model")

    @classmethod
    def from_saved(cls, state: Mapping[str, Any]) -> ModelSettings:
        """The settings that a model was saved with, by an earlier version as well."""
        without = {
            part: {name: value for name, value in state[part].items() if name not in gone}
            for part, gone in GONE.items()
            if part in state
        }
        return cls.from_json({**state, **without})


def _settings_of(kind: type[_Settings], values: Any, where: str) -> _Settings:
    if not isinstance(values, Mapping):
        raise SettingsError(f"training.model: {where} settings are `name: value` lines, not {reprlib.repr(values)}.")
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := set(values) - known:
        raise SettingsError(
            f"training.model: unknown {where} settings {sorted(map(str, unknown))}; known: {sorted(known)}."
        )
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as error:
        raise SettingsError(explained(error, BaseModel, f"training.model ({where})")) from error
