"""Features that a description declares: click histories of keys, and columns derived from one other column."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from conf.notation import EachOnce, Identifier
from conf.settings import Frozen

Recency = Literal["days_since", "days_since_click", "active_days"]


class History(Frozen):
    """Click histories of one key, or of a combination of keys."""

    description: str = Field("", description="Whose history it is, in words: `the user in this tab`")
    keys: EachOnce[Identifier] = Field(min_length=1)
    parent: Identifier | None = Field(None, description="The history whose rate stands in where evidence is thin")
    parents: EachOnce[Identifier] = Field(
        (), description="In place of one parent, several whose effects on the log odds add up: for combined keys"
    )
    smoothing: float | None = Field(None, gt=0, description="Trust in the rate above; default: the data set's")
    recency: EachOnce[Recency] = Field(
        ("days_since",), description="Days since last shown, days since last clicked, number of days on which shown"
    )
    measures: EachOnce[Identifier] = Field((), description="Measures of earlier days' outcomes whose means it keeps")

    @model_validator(mode="after")
    def _one_kind_of_parent(self) -> History:
        if self.parent is not None and self.parents:
            raise ValueError("give `parent` or `parents`, not both")
        return self

    @property
    def above(self) -> tuple[str, ...]:
        """The histories that this one falls back on; none means the overall rate."""
        return self.parents or ((self.parent,) if self.parent is not None else ())


class Derived(Frozen):
    """A categorical feature made from one column that is known at scoring: the band of a number, or the first part."""

    column: Identifier
    edges: tuple[float, ...] = Field((), description="Of a number: where one band ends and the next begins")
    first_of: str = Field("", description="Of a text: what separates its parts; the first part is the value")

    @model_validator(mode="after")
    def _one_rule(self) -> Derived:
        if bool(self.edges) == bool(self.first_of):
            raise ValueError("give either `edges` or `first_of`")
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("`edges` must rise")
        return self
