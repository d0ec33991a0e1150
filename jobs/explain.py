"""Explain: what changed on a night, against the champion's reference and against the day before.

Sums are made by the engine, by value of each column and by bucket of users; what comes here is bounded by the number of
columns, values kept, buckets and nights looked back on, and does not grow with the log.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from conf.errors import NotReady
from features.evidence import LEVELS, evidence_level, evidence_slices
from jobs.champion import ModelVersion, bundle_folder, champion_as_of
from jobs.evaluate import FINAL, PROVISIONAL, overall_row, with_evidence
from jobs.feature_list import watched_columns
from jobs.label_days import final_days
from jobs.store.spans import between
from jobs.trainings import promised_ne, training_of
from jobs.workspace import Workspace
from models.probability import SMALLEST_PROBABILITY, clipped
from monitoring.change_split import CLICKS, EXPECTED, IMPRESSIONS, LOSS, SCORED, SCORED_CLICKS, SUMS
from monitoring.explanation import REFERENCE, YESTERDAY, Comparison, Explanation, explain_change
from monitoring.usual_change import DayTotals, Side, measures, totals

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyspark.sql import Column, DataFrame

BUCKETS = 100
MOST_VALUES = 64
"""Values of a column that are told apart; the rest of them, each shown less, are one."""
OTHERS, MISSING = "(others)", "(missing)"
NO_FAULT = ("no_champion", "too_few_labels")
"""Causes of decisions that say nothing of the night itself."""
NIGHTS_BACK = 28
"""Four of every weekday."""

Kept = Mapping[str, tuple[str, ...]]
NAMES = {
    IMPRESSIONS: "impressions",
    CLICKS: "clicks",
    SCORED: "scored",
    SCORED_CLICKS: "scored_clicks",
    EXPECTED: "expected",
    LOSS: "loss",
}


def explain(workspace: Workspace, night: date) -> Explanation:
    """What changed on a night, in findings.

    Raises:
        NotReady: the night has no impressions.
    """
    if not days_with_nights(workspace, between(night, night)):
        known = workspace.store.days("landings")
        span = f"There are some for {known[0]} to {known[-1]}." if known else "There are none at all yet."
        raise NotReady(f"No impressions of {night} have been labelled. {span} Run the night first: `ctr night`.")
    champion = champion_as_of(workspace, night - timedelta(days=1))
    read = Reading(workspace, FINAL if night in final_days(workspace, [night]) else PROVISIONAL)
    yesterday = night - timedelta(days=1)
    earlier = yesterday if days_with_nights(workspace, between(yesterday, yesterday)) else None
    reference = reference_days(workspace, champion) if champion else []
    kept = read.kept_values([night, *([earlier] if earlier else []), *reference])
    now = read.scored_side(night, kept, champion.ne if champion else None)
    past = read.past(calm_nights(workspace, night), kept)
    comparisons = []
    if champion and reference:
        base = read.reference_side(champion, reference, kept)
        against = {day: _plain(measures(of, totals(base), to_promise=True)) for day, of in past.items()}
        comparisons.append(Comparison(REFERENCE, f"{reference[0]} to {reference[-1]}", base, against))
    if earlier:
        base = read.scored_side(earlier, kept, None)
        pairs = {day: past.get(day - timedelta(days=1)) for day in past}
        against = {
            day: _plain(measures(past[day], before, to_promise=False)) for day, before in pairs.items() if before
        }
        comparisons.append(Comparison(YESTERDAY, str(earlier), base, against))
    return explain_change(night, now, comparisons, read.state)


def _plain(found: Mapping[str, np.ndarray]) -> dict[str, float]:
    return {name: float(value) for name, value in found.items()}


def reference_days(workspace: Workspace, champion: ModelVersion) -> list[date]:
    """The days that the champion's reference sample was drawn from, as far as they still hold impressions."""
    split = json.loads(training_of(workspace, champion.version)["split"])
    days = [date.fromisoformat(day) for part in ("train", "validation", "holdout") for day in split[part]]
    last = sorted(days)[-workspace.settings.training.reference_days :]
    held = set(days_with_nights(workspace, between(last[0], last[-1])))
    return [day for day in last if day in held]


def calm_nights(workspace: Workspace, night: date) -> list[date]:
    """Days of the last weeks whose own decision found nothing wrong, or that had none, for want of a champion."""
    span = between(night - timedelta(days=NIGHTS_BACK), night - timedelta(days=1))
    rows = workspace.store.arrow("decisions", span, columns=("dt", "verdict", "cause")).to_pylist()
    odd = {row["dt"] for row in rows if row["verdict"] != "ok" and row["cause"] not in NO_FAULT}
    return [day for day in days_with_nights(workspace, span) if day not in odd]


def days_with_nights(workspace: Workspace, span: BooleanExpression) -> list[date]:
    """Days with examples that had a night of their own: what arrived late of a day before the first night is no day."""
    landed = set(workspace.store.days("landings", span))
    return [day for day in workspace.store.days("examples", span) if day in landed]


class Reading:
    """Reads sums from a workspace's tables, with final or provisional labels throughout."""

    def __init__(self, workspace: Workspace, state: str) -> None:
        """Settle the labels, and the columns: slices, watched categories, evidence."""
        self.workspace, self.state = workspace, state
        self.label = "clicked" if state == FINAL else "clicked_provisional"
        self.evidence = {slice_.name for slice_ in evidence_slices(workspace.dataset)}
        named = (*workspace.dataset.slices, *watched_columns(workspace.dataset)[0])
        self.columns = tuple(name for name in dict.fromkeys(named) if name not in self.evidence)

    def examples(self, days: Sequence[date]) -> DataFrame:
        """The examples of some days, with `y`, the label."""
        from pyiceberg.expressions import In
        from pyspark.sql import functions as F

        read = self.workspace.store.read(self.workspace.engine, "examples", In("dt", list(days)))
        return read.withColumn("y", F.col(self.label).cast("double"))

    def kept_values(self, days: Sequence[date]) -> dict[str, tuple[str, ...]]:
        """The values of each column shown most on some days, and those of evidence."""
        from pyspark.sql import Window
        from pyspark.sql import functions as F

        counted = _by_value(self.examples(days), self.columns, [], {"n": F.count(F.lit(1))})
        by_size = Window.partitionBy("column").orderBy(F.col("n").desc(), F.col("value"))
        rows = counted.withColumn("rank", F.row_number().over(by_size)).where(F.col("rank") <= MOST_VALUES).collect()
        found: dict[str, list[str]] = {column: [] for column in self.columns}
        for row in sorted(rows, key=lambda row: row["rank"]):
            found[row["column"]].append(row["value"])
        kept = {column: (*values, OTHERS) for column, values in found.items()}
        return kept | {name: tuple(LEVELS) for name in self.evidence}

    def scored_side(self, day: date, kept: Kept, promised: float | None) -> Side:
        """One day's impressions with their predictions."""
        from pyiceberg.expressions import EqualTo
        from pyspark.sql import functions as F

        store, engine = self.workspace.store, self.workspace.engine
        predictions = store.read(engine, "predictions", EqualTo("dt", day)).select("pair_id", "p_click")
        examples = with_evidence(self.workspace, self.examples([day]), day)
        joined = examples.join(predictions, on="pair_id", how="left")
        for name in self.evidence:
            joined = joined.withColumn(name, evidence_level(F.col(name)))
        sums = self._sums(joined, kept, [*self.columns, *self.evidence])
        return Side(1, sums, kept, frozenset(self.evidence), promised)

    def reference_side(self, champion: ModelVersion, days: Sequence[date], kept: Kept) -> Side:
        """The reference: impressions and clicks of its days, and the champion's own predictions of the sample.

        The sample holds no users: its rows are dealt to the buckets in turn. Evidence is left out, for it grows with
        the age of the store.
        """
        import pandas as pd
        from pyspark.sql import functions as F

        sums = self._sums(self.examples(days).withColumn("p_click", F.lit(None).cast("double")), kept, self.columns)
        sample = pd.read_parquet(bundle_folder(self.workspace, champion.version) / "reference.parquet")
        p = clipped(sample["p_click"].to_numpy())
        y = sample["clicked"].to_numpy(dtype="float64")
        bucket = np.arange(len(sample)) % BUCKETS
        amounts = {
            SCORED: np.ones(len(p)),
            SCORED_CLICKS: y,
            EXPECTED: p,
            LOSS: -np.where(y == 1, np.log(p), np.log1p(-p)),
        }
        for column in self.columns:
            place = {value: row for row, value in enumerate(kept[column])}
            values = sample[column].astype("object").where(sample[column].notna(), MISSING).astype(str)
            rows = values.map(place).fillna(place[OTHERS]).to_numpy(dtype=int)
            for number, amount in amounts.items():
                np.add.at(sums[column][:, :, number], (rows, bucket), amount)
        return Side(len(days), sums, kept, promised=champion.ne)

    def _sums(self, rows: DataFrame, kept: Kept, columns: Iterable[str]) -> dict[str, np.ndarray]:
        from pyspark.sql import functions as F

        p = F.greatest(F.lit(SMALLEST_PROBABILITY), F.least(F.lit(1.0 - SMALLEST_PROBABILITY), F.col("p_click")))
        p = F.when(F.col("p_click").isNotNull(), p)
        measured = rows.withColumns({"bucket": self._bucket(), "p": p})
        y, scored = F.col("y"), F.col("p").isNotNull()
        loss = -F.when(y == 1.0, F.log(F.col("p"))).otherwise(F.log1p(-F.col("p")))
        amounts = {
            IMPRESSIONS: F.count(F.lit(1)).cast("double"),
            CLICKS: F.sum(y),
            SCORED: F.sum(F.when(scored, 1.0).otherwise(0.0)),
            SCORED_CLICKS: F.sum(F.when(scored, y).otherwise(0.0)),
            EXPECTED: F.sum(F.coalesce(F.col("p"), F.lit(0.0))),
            LOSS: F.sum(F.when(scored, loss).otherwise(0.0)),
        }
        named = {NAMES[number]: amount for number, amount in amounts.items()}
        columns = tuple(columns)
        table = _by_value(measured, columns, ["bucket"], named, kept).toPandas()
        found = {}
        for column in columns:
            part, place = table[table["column"] == column], {value: row for row, value in enumerate(kept[column])}
            where = part["value"].map(place).to_numpy(dtype=int), part["bucket"].to_numpy(dtype=int)
            found[column] = np.zeros((len(kept[column]), BUCKETS, SUMS))
            for number, name in NAMES.items():
                np.add.at(found[column][:, :, number], where, part[name].to_numpy(dtype=float))
        return found

    def _bucket(self) -> Column:
        """Users dealt to buckets by a hash; in a log without users, blocks of time that follow each other."""
        from pyspark.sql import functions as F

        if "user_id" in self.workspace.dataset.user_and_ad:
            return F.pmod(F.xxhash64("user_id"), F.lit(BUCKETS))
        second = F.pmod(F.floor(F.unix_micros("event_time") / 1_000_000), F.lit(86_400))
        return F.floor(second / (86_400 // BUCKETS))

    def past(self, days: Sequence[date], kept: Kept) -> dict[date, DayTotals]:
        """The totals of past days: counts by value from the examples; NE, calibration and evidence from `quality`."""
        from pyspark.sql import functions as F

        if not days:
            return {}
        amounts = {"n": F.count(F.lit(1)).cast("double"), "clicks": F.sum("y")}
        table = _by_value(self.examples(days), self.columns, ["dt"], amounts, kept).collect()
        rows = self.workspace.store.rows("quality", between(days[0], days[-1]))
        promised = promised_ne(self.workspace)
        counted, measured = _by_day(table), _by_day(row for row in rows if row["state"] == self.state)
        found = {}
        for day in days:
            counts = {column: np.zeros(len(kept[column])) for column in self.columns}
            clicks = 0.0
            for row in counted[day]:
                counts[row["column"]][kept[row["column"]].index(row["value"])] += row["n"]
                clicks += row["clicks"] if row["column"] == self.columns[0] else 0.0
            shown = counts[self.columns[0]].sum()
            overall = overall_row(measured[day]) or {}
            ratio = overall.get("calibration_ratio")
            found[day] = DayTotals(
                impressions=shown,
                ctr=clicks / shown,
                calibration=-np.log(ratio) if ratio else None,
                ne=overall.get("ne"),
                counts=counts | self._evidence_counts(measured[day], kept),
                promised=promised.get(overall.get("version", "")),
            )
        return found

    def _evidence_counts(self, quality: Sequence[Mapping[str, Any]], kept: Kept) -> dict[str, np.ndarray]:
        """A day's scored impressions by level of evidence."""
        found = {name: np.zeros(len(kept[name])) for name in self.evidence}
        for row in quality:
            name, _, level = row["slice"].partition("=")
            if name in found and level in kept[name]:
                found[name][kept[name].index(level)] += row["impressions"]
        return found


def _by_day(rows: Iterable[Any]) -> Mapping[date, list[Any]]:
    found: dict[date, list[Any]] = defaultdict(list)
    for row in rows:
        found[row["dt"]].append(row)
    return found


def _by_value(
    rows: DataFrame,
    columns: Iterable[str],
    keys: Sequence[str],
    amounts: Mapping[str, Column],
    kept: Kept | None = None,
) -> DataFrame:
    """Amounts by `column`, `value` and the keys; values that are not kept are one."""
    from pyspark.sql import functions as F

    def value(name: str) -> Column:
        plain = F.coalesce(F.col(name).cast("string"), F.lit(MISSING))
        return plain if kept is None else F.when(plain.isin(list(kept[name])), plain).otherwise(F.lit(OTHERS))

    pairs = [F.struct(F.lit(name).alias("column"), value(name).alias("value")) for name in columns]
    each = rows.withColumn("_pair", F.explode(F.array(*pairs)))
    named = [amount.alias(name) for name, amount in amounts.items()]
    return each.groupBy(*keys, F.col("_pair.column").alias("column"), F.col("_pair.value").alias("value")).agg(*named)
