"""The tables: what one row of each is, its columns with types, and how it is partitioned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conf.dataset import Dataset
from features.histories import RECENCY_COLUMNS, history_feature_names, history_keys, measure_sums, window_columns

Columns = Mapping[str, str]
"""Column name to type: `string`, `date`, `timestamp` (UTC, microseconds), `double`, `int`, `long` or `boolean`."""

MONTH = "month"
"""The one partition field of a monthly table."""


@dataclass(frozen=True)
class TableSpec:
    """One table. A write replaces whole values of `partition` columns, and `partition[0]` is the table's day.

    A file holds one value of the partition columns; in a `monthly` table, which has few rows a night, those of a month.
    What is written together to a `spread` table is of one partition, and lies in a few files rather than one: for many
    rows that is faster, and for few it would only make more files.
    """

    name: str
    row: str
    columns: Columns
    partition: tuple[str, ...]
    monthly: bool = False
    spread: bool = False


def specs(dataset: Dataset) -> dict[str, TableSpec]:
    """Every table of a data set, by name."""
    tables = [*_log_tables(dataset), *_feature_tables(dataset), *_scoring_tables(dataset), *_record_tables()]
    return {table.name: table for table in tables}


def _strings(names: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(names, "string")


def _doubles(names: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(names, "double")


def _ids(dataset: Dataset) -> dict[str, str]:
    return _strings(dataset.user_and_ad)


def impression_columns(dataset: Dataset) -> dict[str, str]:
    """Columns of an impression as it was shown."""
    context = dataset.impressions.context
    return {
        "dt": "date",
        "arrived": "date",
        "impression_id": "string",
        "event_time": "timestamp",
        **_ids(dataset),
        **_strings(context.categorical),
        **_doubles(context.numeric),
    }


def measure_columns(dataset: Dataset) -> dict[str, str]:
    """What was measured of an impression's outcomes. Never a feature of the impression itself."""
    return _doubles(tuple(dataset.impressions.measures))


def feature_columns(dataset: Dataset) -> dict[str, str]:
    """Context, attributes and calendar: the features that need no history."""
    return {**_strings(dataset.feature_categorical), **_doubles(dataset.feature_numeric)}


def history_columns(dataset: Dataset) -> dict[str, str]:
    """Features from histories, as features.histories names them."""
    return _doubles(history_feature_names(dataset))


def _log_tables(dataset: Dataset) -> list[TableSpec]:
    label = {"clicked": "int"} if dataset.inline_label_column else {}
    click = {"dt": "date", "impression_id": "string", "click_time": "timestamp"}
    tables = [
        TableSpec(
            "impressions",
            "one shown ad",
            impression_columns(dataset) | measure_columns(dataset) | label,
            ("dt", "arrived"),
        ),
        TableSpec(
            "quarantine",
            "one rejected input row",
            {
                "dt": "date",
                "source": "string",
                "file": "string",
                "position": "long",
                "text": "string",
                "reason": "string",
            },
            ("dt",),
        ),
        TableSpec(
            "landings",
            "one kind of landing file on one night, with the balance of its rows",
            {
                "dt": "date",
                "source": "string",
                "files": "string",
                "landed": "long",
                "used": "long",
                "duplicates": "long",
                "quarantined": "long",
            },
            ("dt",),
            monthly=True,
        ),
    ]
    if not dataset.inline_label_column:
        tables.append(TableSpec("clicks", "one click, under the day it arrived", click, ("dt",)))
    for name, table in dataset.attributes.items():
        columns = {"dt": "date", table.key: "string", **_strings(table.columns.categorical)}
        columns |= _doubles(table.columns.numeric) | dict.fromkeys(table.dates, "date")
        tables.append(
            TableSpec(f"attributes_{name}", f"one `{table.key}` with its attributes, as landed", columns, ("dt",))
        )
    return tables


def _feature_tables(dataset: Dataset) -> list[TableSpec]:
    counts = {"impressions": "long", "clicks": "long", **_doubles(measure_sums(dataset))}
    examples = {
        **impression_columns(dataset),
        **measure_columns(dataset),
        "pair_id": "string",
        **feature_columns(dataset),
        "clicked": "int",
        "clicked_provisional": "int",
        "click_arrived": "date",
        "final": "boolean",
        "known_on": "date",
    }
    tables = [
        TableSpec(
            "examples",
            "one impression with its label, and whether the label is final",
            examples,
            ("dt",),
            spread=True,
        ),
        TableSpec(
            "daily_counts",
            "what one night learned of one key's impressions and clicks of one day",
            {"known_on": "date", "dt": "date", "history": "string", "key": "string", **counts},
            ("known_on",),
        ),
        TableSpec(
            "training_examples",
            "a mature example joined to the features that held then",
            impression_columns(dataset) | feature_columns(dataset) | history_columns(dataset) | {"clicked": "int"},
            ("dt",),
            spread=True,
        ),
    ]
    for name in history_keys(dataset):
        tables.append(
            TableSpec(
                f"features_{name}",
                f"one key's click history of `{name}` as of the start of a day",
                {
                    "dt": "date",
                    "key": "string",
                    **_doubles((*window_columns(dataset.windows_days), *measure_sums(dataset))),
                    **RECENCY_COLUMNS,
                },
                ("dt",),
            )
        )
    return tables


def _scoring_tables(dataset: Dataset) -> list[TableSpec]:
    context = dataset.pair_columns
    time = {"event_time": "timestamp"} if dataset.replayed else {}
    pair = {"dt": "date", "pair_id": "string", **_ids(dataset)}
    return [
        TableSpec(
            "candidates",
            "one pair to be scored",
            pair | time | _strings(context.categorical) | _doubles(context.numeric),
            ("dt",),
        ),
        TableSpec(
            "predictions",
            "the click probability of one pair by one model version",
            pair
            | {
                "p_click": "double",
                "model": "string",
                "version": "string",
                "feature_snapshot": "string",
                "scored_on": "date",
            },
            ("dt",),
            spread=True,
        ),
    ]


def _record_tables() -> list[TableSpec]:
    metrics = ("ctr", "ne", "auc", "log_loss", "calibration_ratio", "ece")
    return [
        TableSpec(
            "quality",
            "the metrics of one model on one day and slice, provisional or final",
            {"dt": "date", "state": "string", "model": "string", "version": "string", "slice": "string"}
            | {"impressions": "long", "clicks": "long"}
            | dict.fromkeys(metrics, "double"),
            ("dt", "state"),
            monthly=True,
        ),
        TableSpec(
            "decisions",
            "one night's drift figures, verdict and reasons",
            {
                "dt": "date",
                "verdict": "string",
                "cause": "string",
                "reasons": "string",
                "facts": "string",
                "drift": "string",
            },
            ("dt",),
            monthly=True,
        ),
        TableSpec(
            "trainings",
            "one training: its challenger, the gate's verdict and reasons",
            {"dt": "date", "request": "string", "model": "string", "version": "string", "promoted": "boolean"}
            | {"trigger": "string", "trained_on": "date", "ne": "double", "verdict": "string", "metrics": "string"}
            | {"split": "string", "snapshot": "long", "approval": "string", "withdrawn": "boolean"}
            | {"bundle": "string", "removed": "boolean"},
            ("dt",),
            monthly=True,
        ),
        TableSpec(
            "promotions",
            "one change of the champion: which version, from which, who or what, when, why",
            {"dt": "date", "model": "string", "version": "string", "previous": "string", "by": "string"}
            | {"reason": "string", "action": "string", "at": "timestamp", "forced": "boolean", "served": "date"},
            ("dt",),
            monthly=True,
        ),
        TableSpec(
            "runs",
            "one step of one night, with its size and time",
            {"dt": "date", "step": "string", "rows": "long", "seconds": "double", "cpu_seconds": "double"}
            | {"peak_mb": "double", "rows_in": "long", "rows_per_second": "double", "bytes_written": "long"}
            | {"detail": "string"},
            ("dt", "step"),
            monthly=True,
        ),
    ]
