"""Data set descriptions: one YAML file says all the pipeline knows about a log. No code is written for a new one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError, model_validator

from conf.consistency import contradictions
from conf.errors import SettingsError
from conf.features import Derived, History
from conf.landing import Attributes, ClickLog, Columns, Impressions, InlineLabel, LandingCandidates, ReplayCandidates
from conf.notation import DayCount, DaysOrNone, EachOnce, Identifier, Zone, parse_duration
from conf.refusals import explained, nearest
from conf.settings import CONF_FOLDER, Frozen
from conf.strict_yaml import read_yaml


class Dataset(Frozen):
    """One log, described."""

    name: Identifier
    description: str = ""
    data: str = Field("", description="Folder of the landing files; empty: `landing` in the home, or --data")
    time_zone: Zone = "UTC"
    impressions: Impressions
    label: InlineLabel | ClickLog = Field(discriminator="kind")
    attributes: dict[Identifier, Attributes] = Field(default_factory=dict)
    derived: dict[Identifier, Derived] = Field(default_factory=dict)
    histories: dict[Identifier, History] = Field(min_length=1)
    windows_days: EachOnce[DayCount] = Field((1, 7, 28), min_length=1)
    smoothing: float = Field(20.0, gt=0, description="Impressions' worth of trust in the parent's rate")
    slices: EachOnce[Identifier] = ()
    crosses: EachOnce[Annotated[EachOnce[Identifier], Field(min_length=2)]] = Field(
        (), description="Combinations for the linear model"
    )
    history_only: EachOnce[Identifier] = Field(
        (), description="Ids with too few rows a value to be learned one by one: models see their histories alone"
    )
    candidates: LandingCandidates | ReplayCandidates = Field(discriminator="kind")
    late_days: DaysOrNone = Field(2, description="Days after its own that a row or file may still arrive and count")

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Dataset:
        found = list(dict.fromkeys(contradictions(self)))
        if found:
            raise ValueError("\n".join(found))
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days are the data set's days."""
        return ZoneInfo(self.time_zone)

    @property
    def inline_label_column(self) -> str:
        """The label's column in the impression log, empty where clicks have a log of their own."""
        return self.label.column if isinstance(self.label, InlineLabel) else ""

    @property
    def window(self) -> timedelta:
        """The attribution window; zero for inline labels."""
        return parse_duration(self.label.window) if isinstance(self.label, ClickLog) else timedelta(0)

    @property
    def maturity_days(self) -> int:
        """Nights after a day's own until its labels are final: the attribution window in whole days, rounded up."""
        return -(-self.window // timedelta(days=1))

    @property
    def replayed(self) -> bool:
        """Whether candidates are the next day's impressions."""
        return isinstance(self.candidates, ReplayCandidates)

    @property
    def pair_columns(self) -> Columns:
        """Context that is known when a pair is scored. What only the impression knows cannot be a feature."""
        return self.impressions.context if isinstance(self.candidates, ReplayCandidates) else self.candidates.context

    @property
    def user_and_ad(self) -> tuple[str, ...]:
        """The canonical id columns that this log has."""
        ids = (("user_id", self.impressions.user), ("ad_id", self.impressions.ad))
        return tuple(name for name, column in ids if column)

    @property
    def given_categorical(self) -> tuple[str, ...]:
        """Categorical columns that files give: context known at scoring, then attributes."""
        attributes = tuple(name for table in self.attributes.values() for name in table.columns.categorical)
        return self.pair_columns.categorical + attributes

    @property
    def feature_categorical(self) -> tuple[str, ...]:
        """Categorical feature columns: context known at scoring, then attributes, derived columns, calendar."""
        calendar = ("hour", "weekday") if self.replayed else ("weekday",)
        return self.given_categorical + tuple(self.derived) + calendar

    @property
    def feature_numeric(self) -> tuple[str, ...]:
        """Numeric feature columns: context, attributes, and the ages of attribute dates."""
        numeric = tuple(name for table in self.attributes.values() for name in table.columns.numeric)
        ages = tuple(f"{name}_age_days" for table in self.attributes.values() for name in table.dates)
        return self.pair_columns.numeric + numeric + ages

    def smoothing_of(self, history: str) -> float:
        """Impressions' worth of trust that a history puts in the rate above it."""
        own = self.histories[history].smoothing
        return self.smoothing if own is None else own

    def ancestors(self, history: str) -> tuple[str, ...]:
        """Every history above this one, those further up first. A circle is an error."""
        found: dict[str, None] = {}

        def climb(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise ValueError(f"histories.{history}: its parents form a circle")
            for parent in self.histories[name].above:
                climb(parent, (*path, name))
                found.setdefault(parent)

        climb(history, ())
        return tuple(found)


def known_datasets() -> list[str]:
    """Names of the descriptions that come with the project."""
    return sorted(path.stem for path in (CONF_FOLDER / "datasets").glob("*.yaml"))


def load_dataset(name: str) -> Dataset:
    """The description of a data set: a name under conf/datasets/, or the path of a YAML file of your own.

    Raises:
        SettingsError: no such description, or something in it is wrong; the message names file and setting.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else CONF_FOLDER / "datasets" / f"{name}.yaml"
    if not path.is_file():
        near = nearest(name, known_datasets())
        hint = f" Did you mean `{near}`?" if near else ""
        raise SettingsError(
            f"Unknown data set `{name}`.{hint} Known: {', '.join(known_datasets())}; or give the path of a YAML file."
        )
    try:
        return Dataset.model_validate(read_yaml(path))
    except ValidationError as error:
        raise SettingsError(explained(error, Dataset, str(path))) from error
