"""Sides of a comparison made from the simulated world: what was shown, a model that knew the calm world, the clicks."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

import numpy as np

from monitoring.change_split import CLICKS, EXPECTED, IMPRESSIONS, LOSS, SCORED, SCORED_CLICKS, SUMS
from monitoring.explanation import REFERENCE, YESTERDAY, Comparison, explain_change
from monitoring.usual_change import Side, measures, totals
from simulation import Scenario, World, WorldSettings
from simulation.clicks import WINDOW_MS, probabilities
from simulation.world import _intercept

BUCKETS = 50
DAY = date(2026, 2, 4)
CALM_DAYS, REFERENCE_DAYS = 21, 7


def rows_of(world, day):
    """The impressions of a day: columns as codes, `p`, the click probability in a calm world, `y` and `bucket`."""
    number = day.toordinal()
    shown, clicks = world.impressions(number), world.clicks(number)
    ads, pairs, users = shown.ads, shown.pairs, shown.users
    p = probabilities(world.click_logits(number, 0.0) + _intercept(world.settings, 0.0))
    y = np.zeros(len(p))
    y[clicks.impression[clicks.clicked_at - shown.shown_at[clicks.impression] < WINDOW_MS]] = 1.0
    return {
        "placement": pairs.placement,
        "device": pairs.device,
        "advertiser_id": ads.advertiser[pairs.ad],
        "category": ads.category[pairs.ad],
        "country": users.country[pairs.user],
        "age_group": users.age_group[pairs.user],
        "ad_new": (ads.launched[pairs.ad] >= number - 2).astype(int),
        "p": p,
        "y": y,
        "bucket": pairs.user % BUCKETS,
    }


COLUMNS = ("placement", "device", "advertiser_id", "category", "country", "age_group", "ad_new")
VALUES = 128


def side_of(days):
    """The side of some days' rows; code -1 is a missing value."""
    sums = {name: np.zeros((VALUES, BUCKETS, SUMS)) for name in COLUMNS}
    for rows in days:
        p, y, ones = rows["p"], rows["y"], np.ones(len(rows["p"]))
        loss = -np.where(y == 1.0, np.log(p), np.log1p(-p))
        amounts = {IMPRESSIONS: ones, CLICKS: y, SCORED: ones, SCORED_CLICKS: y, EXPECTED: p, LOSS: loss}
        for name in COLUMNS:
            for column, amount in amounts.items():
                np.add.at(sums[name][:, :, column], (rows[name], rows["bucket"]), amount)
    names = {name: (*map(str, range(VALUES - 1)), "(missing)") for name in COLUMNS}
    side = Side(len(days), sums, names)
    return replace(side, promised=float(totals(side).ne))


@lru_cache(maxsize=2)
def calm_weeks(settings):
    """The sides of the three calm weeks before DAY, and that of the reference among them."""
    world = World(settings)
    rows = {day: rows_of(world, day) for day in (DAY - timedelta(days=back) for back in range(CALM_DAYS, 0, -1))}
    reference = side_of(list(rows.values())[-REFERENCE_DAYS - 2 : -2])
    return {day: side_of([of]) for day, of in rows.items()}, reference


def explained(scenario="calm", *, seed=7, change=lambda rows: rows):
    """The explanation of the first night of a scenario, after three calm weeks; `change` acts on its rows."""
    settings = WorldSettings(seed=seed, impressions_per_day=20_000, users=8_000)
    calm, reference = calm_weeks(settings)
    night = rows_of(World(settings, Scenario(scenario, DAY if scenario != "calm" else None)), DAY)
    now = replace(side_of([change(night)]), promised=reference.promised)
    past = {day: totals(replace(side, promised=reference.promised)) for day, side in calm.items()}
    days = list(calm)
    to_reference = {day: plain(measures(of, totals(reference), to_promise=True)) for day, of in past.items()}
    to_yesterday = {day: plain(measures(past[day], past[before], to_promise=False)) for before, day in pairwise(days)}
    comparisons = [
        Comparison(REFERENCE, f"{days[-REFERENCE_DAYS - 2]} to {days[-3]}", reference, to_reference),
        Comparison(YESTERDAY, str(days[-1]), calm[days[-1]], to_yesterday),
    ]
    return explain_change(DAY, now, comparisons, "final")


def plain(found):
    return {name: float(value) for name, value in found.items()}
