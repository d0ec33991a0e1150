"""Versions that were registered as a training registers them, of a model that predicts one click rate."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.aliases import sync_aliases
from jobs.champion import champion_as_of
from jobs.feature_list import model_columns
from jobs.holdout import HoldoutFigures
from jobs.model_record import ModelRecord
from jobs.registration import register_challenger
from jobs.step import scratch_folder
from jobs.train import Trained, TrainingRequest
from jobs.workspace import Workspace
from models.batches import TableBatches
from models.bundle import train_bundle
from models.settings import ModelSettings
from models.split import TimeSplit
from monitoring.cards import CardSlice
from monitoring.model_charts import Reliable
from validation.verdict import Check, Verdict

OBJECTION = "NE is 0.9200 against 0.9100 of the champion."


def registered(workspace: Workspace, night: date, *, agrees: bool = True, **asked: Any) -> str:
    """The version of a challenger that the gate agreed to, or not; `asked` are fields of its request."""
    request = TrainingRequest(night, ("xgboost",), 28, **({"promote": True, "trigger": "by hand"} | asked))
    verdict = Verdict(agrees, "the champion", (Check("lower_ne", agrees, 0.5, 0.99, OBJECTION),), 100, 50)
    rows = pa.table({"clicked": [0, 0, 0, 1]})
    columns = model_columns(workspace.dataset)
    with scratch_folder(workspace.home, "registered") as folder:
        bundle = train_bundle("constant", ModelSettings(), columns, TableBatches(rows), TableBatches(rows))
        bundle.save(folder / "bundle")
        pq.write_table(rows, folder / "reference.parquet")
        row = register_challenger(
            workspace,
            request,
            challenger := Trained("constant", bundle, np.full(4, 0.25), METRICS, folder),
            [challenger],
            verdict,
            champion_as_of(workspace, night),
            TimeSplit((night,), (night,), (night,)),
            record_of(workspace, request, verdict),
        )
    sync_aliases(workspace)
    return str(row["version"])


METRICS = {"holdout_ne": 0.91, "holdout_calibration_ratio": 1.01}


def record_of(workspace: Workspace, request: TrainingRequest, verdict: Verdict) -> ModelRecord:
    """A record with one slice and one group of the reliability curve."""
    day = (str(request.night),)
    columns = model_columns(workspace.dataset).to_json()
    overall = CardSlice("all", 100, 25, 0.25, 0.91, (0.9, 0.92), 0.6, 1.01, (0.9, 1.1))
    holdout = HoldoutFigures((overall,), (Reliable(0.25, 0.25, 0.2, 0.3, 100),))
    return ModelRecord(
        model="constant",
        night=request.night,
        trigger=request.trigger,
        approval=request.approval,
        code_version="0.1.0",
        snapshot=1,
        sampling_rate=1.0,
        split=dict.fromkeys(("train", "validation", "holdout"), day),
        rows=dict.fromkeys(("train", "validation", "holdout"), 4),
        features=columns,
        settings=ModelSettings().to_json(),
        chosen={},
        gains={},
        weights={},
        holdout=holdout,
        verdict=verdict.to_dict(),
    )
