"""The MLflow face of a bundle: p(click) for a pandas frame of features.

MLflow stores this file as the model's code and runs it when the model is loaded ("models from code"), so nothing is
pickled. Log it with `python_model` = the path of this file and `artifacts` = {"bundle": folder}. Only MLflow runs this
file; everything else loads the bundle itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from models.bundle import load_bundle


class BundleModel(PythonModel):
    """Predicts with the bundle that was logged as the artifact "bundle"."""

    def load_context(self, context: PythonModelContext) -> None:
        """Reads and verifies the bundle."""
        self._bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.Series:
        """p(click) of each row, in order and under the frame's index."""
        rows = pa.Table.from_pandas(model_input, preserve_index=False)
        return pd.Series(self._bundle.predict(rows), index=model_input.index, name="p_click")


set_model(BundleModel())
