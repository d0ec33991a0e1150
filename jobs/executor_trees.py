"""Trees fitted on the executors of a Spark cluster: each task reads its share of the rows, and all grow the same trees.

`xgboost.spark` wants a SparkContext and RDDs, which Spark Connect does not have. It has barrier tasks, though, which
run all at once or not at all; in them the tasks join in XGBoost's own collective.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from conf.errors import NotReady, SettingsError
from jobs.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

    from models.batches import Batches
    from models.boosted import BoostedModel, BoostedSettings, FitTrees
    from models.matrix_encoder import MatrixEncoder

CLOSING_SECONDS = 60
TOO_FEW_SLOTS = "SPARK-24819"
"""By this number Spark's error says that a cluster cannot run so many tasks at once."""


def fit_trees(workspace: Workspace) -> FitTrees:
    """Where a workspace's trees are fitted: on the executors of its cluster, or in this process."""
    from models.boosted import fit_boosted

    if workspace.settings.engine.is_cluster:
        return partial(fit_on_executors, workspace.engine, workspace.settings.training.cluster_tasks)
    return fit_boosted


def fit_on_executors(
    session: SparkSession,
    tasks: int,
    train: Batches,
    validation: Batches | None,
    encoder: MatrixEncoder,
    settings: BoostedSettings,
) -> BoostedModel:
    """What `fit_boosted` does, in as many tasks at once. The same rows, settings and tasks give the same trees.

    With `settings.threads` 0 a task takes `spark.task.cpus` threads.

    Raises:
        NotReady: no rows to learn from, or one label alone.
        SettingsError: the cluster cannot run so many tasks at once.
    """
    from pyspark.errors import PySparkException

    from models.boosted import BoostedModel

    grown = _grower(tasks, train, validation, encoder, settings)
    started = session.range(0, tasks, 1, tasks).mapInArrow(grown, "trees binary, refusal string", barrier=True)
    try:
        [answer] = started.collect()
    except PySparkException as error:
        if TOO_FEW_SLOTS in str(error):
            raise SettingsError(
                f"training.cluster_tasks is {tasks}, and the cluster cannot run so many tasks at once. Set it to the "
                "number of its cores (divided by `spark.task.cpus`) at most, or give it more workers."
            ) from error
        raise
    if answer["refusal"]:
        raise NotReady(answer["refusal"])
    return BoostedModel.from_bytes(answer["trees"])


def _grower(
    tasks: int, train: Batches, validation: Batches | None, encoder: MatrixEncoder, settings: BoostedSettings
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What one task does. The first one answers for all, for their trees are the same."""

    def grown(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from models.boosted import fit_boosted

        # Spark ends a Python that has left some of its input, and the next one would import everything anew.
        deque(numbers, maxlen=0)
        with _joined(tasks) as number:
            stopping = validation.share(number, tasks) if validation is not None else None
            try:
                model = fit_boosted(train.share(number, tasks), stopping, encoder, settings)
                answer = {"trees": model.to_bytes(), "refusal": ""}
            except NotReady as error:  # all tasks find the same
                answer = {"trees": b"", "refusal": str(error)}
        if number == 0:
            yield pa.RecordBatch.from_pylist([answer])

    return grown


@contextmanager
def _joined(tasks: int) -> Iterator[int]:
    """This task's number, while it is joined with the others in XGBoost's collective. The first one lets them meet."""
    from pyspark import BarrierTaskContext
    from xgboost.collective import CommunicatorContext
    from xgboost.tracker import RabitTracker

    context = BarrierTaskContext.get()
    number = context.partitionId()
    tracker = None
    if number == 0:
        host = context.getTaskInfos()[0].address.rpartition(":")[0]
        tracker = RabitTracker(n_workers=tasks, host_ip=host, sortby="task")
        tracker.start()
    told = context.allGather(json.dumps(tracker.worker_args() if tracker else {}))
    with CommunicatorContext(**json.loads(told[0]), dmlc_task_id=str(number)):
        yield number
    if tracker is not None:
        tracker.wait_for(CLOSING_SECONDS)
