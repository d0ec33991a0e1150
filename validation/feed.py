"""The data gate: may the night's feed be published? Great Expectations judges, this module puts it into words.

A failure is `critical` where what would be published were wrong or most of it missing: it stops the night. It is a
`warning` where the tables stay right and only a person should know, such as duplicates, which have been removed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from conf.errors import FeedBlocked
from conf.settings import FeedExpectations

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class FeedProfile:
    """Counts of one night's landing. Shares are of 1; `volumes_before` has the newest day last."""

    day: date
    impressions: int
    """Rows that can be used: neither quarantined nor a duplicate."""
    landed: int
    quarantined: int
    duplicates: int
    clicks_landed: int
    clicks_quarantined: int
    ctr: float | None
    """Clicks seen so far / impressions; None where the night cannot know it."""
    null_shares: Mapping[str, float]
    """Missing values of every declared column; its keys are the columns that the gate looks at."""
    volumes_before: Sequence[int]
    first_quarantined: Sequence[tuple[str, int, str]] = ()
    """At most five examples: file, position in it, reason."""


@dataclass(frozen=True)
class Failure:
    """One expectation that the feed did not meet, and what a person can do about it."""

    expectation: str
    severity: Severity
    observed: float | str | None
    limit: float | str
    message: str
    remedy: str


@dataclass(frozen=True)
class FeedVerdict:
    """What the gate found. `passed` is False only where a critical expectation failed."""

    day: date
    passed: bool
    checked: int
    """Number of expectations, met or not."""
    failures: tuple[Failure, ...]

    @property
    def critical(self) -> tuple[Failure, ...]:
        """The failures that stop the night."""
        return tuple(failure for failure in self.failures if failure.severity == "critical")

    @property
    def warnings(self) -> tuple[Failure, ...]:
        """The failures that are only shown."""
        return tuple(failure for failure in self.failures if failure.severity == "warning")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {**asdict(self), "day": self.day.isoformat(), "failures": [asdict(failure) for failure in self.failures]}


def check_feed(
    impressions: DataFrame,
    profile: FeedProfile,
    required: Sequence[str],
    expectations: FeedExpectations,
    *,
    day: date,
    late_days: int = 0,
) -> FeedVerdict:
    """The verdict on the feed of `day`.

    Args:
        impressions: the staged good rows, of any Spark engine, with `dt` (date, or text as yyyy-mm-dd) and
            `impression_id`. Great Expectations reads it directly, in a handful of queries however many columns there
            are; so it should stand on files, not on a plan that parses the landing anew each time.
        profile: counts of the same landing.
        required: columns that may hold no missing value.
        expectations: the limits; a value that equals its limit passes.
        day: the day that the night is for.
        late_days: rows of so many days before may be among them.
    """
    from pyspark.sql.functions import col

    # Great Expectations reads this once, when it is imported.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    from validation.expectation_run import judged_figures, judged_rows
    from validation.profile_rules import profile_figures, profile_rules
    from validation.row_rules import row_rules

    rules = row_rules(
        impressions.columns,
        required,
        tuple(profile.null_shares),
        max_null_share=expectations.max_null_share,
        day=day,
        late_days=late_days,
    )
    if "dt" in impressions.columns:
        impressions = impressions.withColumn("dt", col("dt").cast("string"))
    in_rows = judged_rows(impressions, rules)
    figures = profile_figures(profile, expectations.volume_days)
    in_profile = judged_figures(figures, profile_rules(profile, expectations))
    failures = sorted(in_rows.failures + in_profile.failures, key=lambda failure: failure.severity != "critical")
    return FeedVerdict(
        day=day,
        passed=all(failure.severity != "critical" for failure in failures),
        checked=in_rows.checked + in_profile.checked,
        failures=tuple(failures),
    )


def raise_if_blocked(verdict: FeedVerdict) -> None:
    """Stops the night where the verdict says so.

    Raises:
        FeedBlocked: a critical expectation failed; the message lists each one and what to do about it.
    """
    if verdict.passed:
        return
    lines = [f"The feed of {verdict.day} was not published, {len(verdict.critical)} critical check(s) failed:"]
    lines += [f"- {failure.message} To do: {failure.remedy}" for failure in verdict.critical]
    raise FeedBlocked("\n".join(lines))
