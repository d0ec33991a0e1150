"""What the counts of a night's landing must look like: volume, quarantine, duplicates and CTR."""

from __future__ import annotations

from datetime import date
from typing import Literal

import great_expectations.expectations as gxe
from great_expectations.expectations.metadata_types import FailureSeverity

from conf.settings import FeedExpectations
from validation.expectation_run import Rule, percent
from validation.feed import FeedProfile, Severity


def profile_figures(profile: FeedProfile, volume_days: int) -> dict[str, float]:
    """The figures that this profile can know, by name; a share of nothing is left out."""
    figures: dict[str, float] = {"impressions": profile.impressions}
    if profile.landed:
        figures["quarantined_share"] = profile.quarantined / profile.landed
        figures["duplicate_share"] = profile.duplicates / profile.landed
    if profile.clicks_landed:
        figures["clicks_quarantined_share"] = profile.clicks_quarantined / profile.clicks_landed
    usual = usual_volume(profile, volume_days)
    if usual:
        figures["volume_ratio"] = profile.impressions / usual
    if profile.ctr is not None:
        figures["ctr"] = profile.ctr
    return figures


def usual_volume(profile: FeedProfile, volume_days: int) -> float:
    """Mean impressions a day of the last `volume_days` days before; 0.0 where there are none."""
    before = profile.volumes_before[-volume_days:]
    return sum(before) / len(before) if before else 0.0


def profile_rules(profile: FeedProfile, limits: FeedExpectations) -> list[Rule]:
    """The rules for the figures that this profile can know."""
    figures = profile_figures(profile, limits.volume_days)
    rules = [_some_impressions(profile)]
    if "volume_ratio" in figures:
        rules += _volume_rules(profile, figures["volume_ratio"], limits)
    if "quarantined_share" in figures:
        share = figures["quarantined_share"]
        rules.append(_quarantine_rule("quarantined_share", "impression", profile.quarantined, share, profile, limits))
        rules.append(_duplicates_rule(profile, figures["duplicate_share"], limits))
    if "clicks_quarantined_share" in figures:
        share, count = figures["clicks_quarantined_share"], profile.clicks_quarantined
        rules.append(_quarantine_rule("clicks_quarantined_share", "click", count, share, profile, limits))
    if "ctr" in figures:
        rules += _ctr_rules(profile.day, figures["ctr"], limits)
    return rules


def _bound(
    side: Literal["min", "max"],
    figure: str,
    observed: float,
    limit: float,
    severity: Severity,
    *,
    sentence: str,
    remedy: str,
) -> Rule:
    """A limit on one figure; a figure that equals it passes."""
    expectation = gxe.ExpectColumnValuesToBeBetween(
        column=figure,
        min_value=limit if side == "min" else None,
        max_value=limit if side == "max" else None,
        severity=FailureSeverity(severity),
        meta={"rule": f"{side}_{figure}"},
    )
    return Rule(expectation, limit, lambda result: observed, lambda result: sentence, remedy)


def _some_impressions(profile: FeedProfile) -> Rule:
    return _bound(
        "min",
        "impressions",
        profile.impressions,
        1,
        "critical",
        sentence=f"No usable impression of {profile.day} landed ({profile.landed:,} rows landed in all)."
        + _first_quarantined(profile),
        remedy="see whether the day's files have arrived and are named as the data set's description says; then run "
        "the night again.",
    )


def _volume_rules(profile: FeedProfile, ratio: float, limits: FeedExpectations) -> list[Rule]:
    usual = usual_volume(profile, limits.volume_days)
    days = min(len(profile.volumes_before), limits.volume_days)
    found = (
        f"{profile.impressions:,} impressions are {ratio:.3g} times the {usual:,.0f} a day of the {days} day(s) before"
    )
    low, high = limits.min_volume_ratio, limits.max_volume_ratio
    return [
        _bound(
            "min",
            "volume_ratio",
            ratio,
            low,
            "critical",
            sentence=f"{found}; at least {low:g} times are expected.",
            remedy=f"see whether all files of {profile.day} have landed and run the night again, or lower "
            f"`feed.min_volume_ratio` (now {low:g}).",
        ),
        _bound(
            "max",
            "volume_ratio",
            ratio,
            high,
            "warning",
            sentence=f"{found}; at most {high:g} times are expected.",
            remedy=f"see whether a file landed under two names, or raise `feed.max_volume_ratio` (now {high:g}).",
        ),
    ]


def _quarantine_rule(
    figure: str, kind: str, count: int, share: float, profile: FeedProfile, limits: FeedExpectations
) -> Rule:
    most = limits.max_quarantined_share
    files = " and ".join(dict.fromkeys(file for file, _, _ in profile.first_quarantined)) or "the rejected files"
    return _bound(
        "max",
        figure,
        share,
        most,
        "critical",
        sentence=f"{count:,} {kind} rows ({percent(share)} of those that landed) were rejected; "
        f"at most {percent(most)} may be.{_first_quarantined(profile)}",
        remedy=f"fix or remove {files} and run the night again, or raise `feed.max_quarantined_share` (now {most:g}).",
    )


def _first_quarantined(profile: FeedProfile) -> str:
    examples = "; ".join(f"{file} row {position}: {reason}" for file, position, reason in profile.first_quarantined)
    return f" First rejected rows: {examples}." if examples else ""


def _duplicates_rule(profile: FeedProfile, share: float, limits: FeedExpectations) -> Rule:
    most = limits.max_duplicate_share
    return _bound(
        "max",
        "duplicate_share",
        share,
        most,
        "warning",
        sentence=f"{profile.duplicates:,} landed rows ({percent(share)}) repeat another impression and were left out; "
        f"at most {percent(most)} is usual.",
        remedy="see whether a file landed twice and whether `impressions.id` names all columns that make an impression "
        f"one, or raise `feed.max_duplicate_share` (now {most:g}).",
    )


def _ctr_rules(day: date, ctr: float, limits: FeedExpectations) -> list[Rule]:
    low, high = limits.min_ctr, limits.max_ctr
    return [
        _bound(
            "min",
            "ctr",
            ctr,
            low,
            "critical",
            sentence=f"The CTR of {day} is {percent(ctr)}; at least {percent(low)} is expected.",
            remedy=f"see whether all clicks landed and run the night again, or lower `feed.min_ctr` (now {low:g}).",
        ),
        _bound(
            "max",
            "ctr",
            ctr,
            high,
            "critical",
            sentence=f"The CTR of {day} is {percent(ctr)}; at most {percent(high)} is expected.",
            remedy="see whether impressions without a click are missing and whether the description names the value "
            f"that means a click, or raise `feed.max_ctr` (now {high:g}).",
        ),
    ]
