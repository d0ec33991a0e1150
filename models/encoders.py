"""The encoders by name, and what each of them offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa

from models.columns import FeatureColumns
from models.hashing_encoder import HashingEncoder, HashingSettings
from models.matrix_encoder import MatrixEncoder, MatrixSettings

__all__ = ["Encoder", "HashingEncoder", "HashingSettings", "MatrixEncoder", "MatrixSettings"]


class Encoder(Protocol):
    """Turns rows into what an estimator reads. Fixed once fitted; unseen values never raise."""

    @property
    def columns(self) -> FeatureColumns:
        """The columns it reads."""
        ...

    def encode(self, batch: pa.RecordBatch) -> Any:
        """The rows, in order, as the input of the estimator that the encoder belongs to."""
        ...

    def to_json(self) -> Mapping[str, Any]:
        """The whole state."""
        ...
