"""What every staged impression must look like: its day, its identity, and what may be missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from validation.expectation_run import Rule, percent, unexpected_count, unexpected_examples, unexpected_share


def row_rules(
    present: Collection[str],
    required: Sequence[str],
    declared: Sequence[str],
    *,
    max_null_share: float,
    day: date,
    late_days: int,
) -> list[Rule]:
    """The rules for impressions with the columns `present`; `dt` must be text, yyyy-mm-dd."""
    needed = tuple(dict.fromkeys(("dt", "impression_id", *required)))
    optional = tuple(name for name in declared if name not in needed)
    rules = [_column_is_there(name) for name in (*needed, *optional) if name not in present]
    rules += [_never_missing(name) for name in needed if name in present]
    rules += [_seldom_missing(name, max_null_share) for name in optional if name in present]
    if "dt" in present:
        rules.append(_day_is_allowed(day, late_days))
    if "impression_id" in present:
        rules.append(_id_is_unique())
    return rules


def _column_is_there(column: str) -> Rule:
    return Rule(
        gxe.ExpectColumnToExist(column=column, severity=FailureSeverity.CRITICAL, meta={"rule": f"column_{column}"}),
        limit="present",
        observed=lambda figures: "absent",
        sentence=lambda figures: f"The impressions have no column `{column}`.",
        remedy=f"see whether the landing files still have it, or take `{column}` out of the data set's description.",
    )


def _never_missing(column: str) -> Rule:
    meta = {"rule": f"missing_{column}"}
    return Rule(
        gxe.ExpectColumnValuesToNotBeNull(column=column, severity=FailureSeverity.CRITICAL, meta=meta),
        limit=0.0,
        observed=unexpected_share,
        sentence=lambda figures: f"{unexpected_count(figures):,} impressions have no `{column}`; each must have one.",
        remedy=f"fix the files that leave `{column}` empty and run the night again.",
    )


def _seldom_missing(column: str, most: float) -> Rule:
    meta = {"rule": f"missing_{column}"}
    # Rounded because 1 - 0.7 is a little more than 0.3, which would fail a share right at its limit.
    mostly = round(1.0 - most, 12)
    return Rule(
        gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=mostly, severity=FailureSeverity.WARNING, meta=meta),
        limit=most,
        observed=unexpected_share,
        sentence=lambda figures: (
            f"`{column}` is missing in {percent(unexpected_share(figures))} of the impressions; "
            f"at most {percent(most)} may be."
        ),
        remedy=f"ask whoever writes the log about `{column}`, or raise `feed.max_null_share` (now {most:g}).",
    )


def _day_is_allowed(day: date, late_days: int) -> Rule:
    allowed = [(day - timedelta(days=before)).isoformat() for before in reversed(range(late_days + 1))]
    span = " to ".join(dict.fromkeys((allowed[0], allowed[-1])))
    return Rule(
        gxe.ExpectColumnValuesToBeInSet(
            column="dt", value_set=allowed, severity=FailureSeverity.CRITICAL, meta={"rule": "day"}
        ),
        limit=span,
        observed=unexpected_examples,
        sentence=lambda figures: (
            f"{unexpected_count(figures):,} impressions are of other days than {span}, "
            f"such as {unexpected_examples(figures)}."
        ),
        remedy="see whether the right files landed, and whether `time_zone` and the time's unit are described rightly.",
    )


def _id_is_unique() -> Rule:
    meta = {"rule": "unique_impression_id"}
    return Rule(
        gxe.ExpectColumnValuesToBeUnique(column="impression_id", severity=FailureSeverity.CRITICAL, meta=meta),
        limit=0.0,
        observed=unexpected_share,
        sentence=lambda figures: (
            f"{unexpected_count(figures):,} impressions share their id with another one, "
            f"such as {unexpected_examples(figures)}."
        ),
        remedy="name the columns that make an impression one under `impressions.id` in the data set's description.",
    )
