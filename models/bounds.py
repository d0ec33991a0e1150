"""Numbers that settings of models may have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

AboveZero = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ZeroOrMore = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]
Rate = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
CountOrNone = Annotated[int, Field(ge=0, le=1_000_000_000)]
Depth = Annotated[int, Field(ge=1, le=30)]
Bins = Annotated[int, Field(ge=2, le=65_535)]
Bits = Annotated[int, Field(ge=1, le=28)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
