"""The simulated day as the lines and tables of its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulation import vocabulary as words
from simulation.ads import Ads
from simulation.days import midnight_ms, spelled_times
from simulation.defects import (
    bid_factor,
    broken_lines,
    context_lost,
    delivery_of,
    sampled_rows,
    truncated_lines,
)
from simulation.draws import Ints, generator
from simulation.traffic import Impressions
from simulation.users import Users
from simulation.world import World

IMPRESSION_COLUMNS = (
    "impression_id",
    "event_time",
    "user_id",
    "ad_id",
    "placement",
    "device",
    "os_version",
    "bid",
    "session_depth",
)
_UNKNOWN_CLICK_SHARE = 0.002
_CLICK_DAYS_BACK = 2
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class FileLines:
    """The lines of a text file, and how many of them are repeats, late or broken."""

    lines: list[str]
    repeated: int
    late: int
    broken: int


def impression_lines(world: World, day: int) -> FileLines:
    """The impressions.csv of a day, header first: its own impressions, and what the day before still owed."""
    own, previous = world.impressions(day), world.impressions(day - 1)
    delivery = delivery_of(world.settings, world.scenario, own)
    owed = delivery_of(world.settings, world.scenario, previous)
    own_rows = _spelled_impressions(world, own, delivery.same_day)
    owed_rows = _spelled_impressions(world, previous, owed.next_day)
    rng = generator(world.settings.seed, day, "impression file")
    # What was owed trickles in during the day, in order, among the day's own rows.
    place = np.concatenate([np.arange(len(own_rows)), np.sort(rng.random(len(owed_rows))) * len(own_rows)])
    arrived = pa.concat_arrays([own_rows, owed_rows]).take(pa.array(np.argsort(place, kind="stable")))
    broken = sampled_rows(rng, len(arrived), world.settings.broken_share)
    lines = broken_lines(arrived.to_pylist(), broken, rng)
    return FileLines(
        lines=[",".join(IMPRESSION_COLUMNS), *lines],
        repeated=delivery.repeated_same_day + owed.repeated_next_day,
        late=owed.late,
        broken=len(broken),
    )


def click_lines(world: World, day: int) -> FileLines:
    """The clicks.jsonl of a day: every click that came during it, whenever the impression was."""
    begins, ends = (midnight_ms(which, world.settings.time_zone) for which in (day, day + 1))
    ids, times = [], []
    for shown_day in range(day - _CLICK_DAYS_BACK, day + 1):
        log = world.clicks(shown_day)
        arrived = (log.clicked_at >= begins) & (log.clicked_at < ends)
        ids.append(impression_ids(shown_day, log.impression[arrived]))
        times.append(log.clicked_at[arrived])
    clicked_at, known = np.concatenate(times), pa.concat_arrays(ids)
    rng = generator(world.settings.seed, day, "click file")
    unknown = sampled_rows(rng, len(known), _UNKNOWN_CLICK_SHARE)
    never_shown = impression_ids(day, len(world.impressions(day).shown_at) + 1_000 + unknown)
    repeated = sampled_rows(rng, len(known), world.settings.duplicate_share)
    source = np.concatenate([np.arange(len(known)), repeated])
    all_ids = pa.concat_arrays([known.take(pa.array(source)), never_shown])
    all_times = np.concatenate([clicked_at[source], clicked_at[unknown]])
    order = np.argsort(all_times, kind="stable")
    spelled = spelled_times(all_times[order], world.settings.time_zone)
    opened = pc.binary_join_element_wise('{"impression_id": "', all_ids.take(pa.array(order)), "")
    lines = pc.binary_join_element_wise(opened, '", "click_time": "', spelled, '"}', "").to_pylist()
    broken = sampled_rows(rng, len(lines), world.settings.broken_share)
    return FileLines(truncated_lines(lines, broken, rng), repeated=len(repeated), late=0, broken=len(broken))


def ads_table(world: World, day: int) -> pa.Table:
    """The ads that run on the day, and those announced for the next."""
    ads = world.known_ads(day)
    return pa.table(
        {
            "ad_id": ad_ids(ads, np.arange(len(ads.numbers))),
            "campaign_id": _numbered("c", ads.campaign, 8),
            "advertiser_id": _numbered("v", ads.advertiser, 3),
            "category": _words(words.CATEGORIES, ads.category),
            "format": _words(words.FORMATS, ads.format),
            "launch_date": _dates(ads.launched),
            "landing_page_score": pa.array(ads.landing_page_score, from_pandas=True),
        }
    )


def users_table(world: World, day: int) -> pa.Table:
    """Everyone registered by the end of the day."""
    users = world.users(day)
    return pa.table(
        {
            "user_id": user_ids(users, np.arange(len(users.numbers))),
            "country": _words(words.COUNTRIES, users.country),
            "age_group": _words(words.AGE_GROUPS, users.age_group),
            "registered_on": _dates(users.registered),
        }
    )


def candidates_table(world: World, day: int) -> pa.Table:
    """The pairs to be scored for the day after `day`."""
    pairs, users, ads = world.candidates(day + 1), world.users(day + 1), world.running_ads(day + 1)
    return pa.table(
        {
            "user_id": user_ids(users, pairs.user),
            "ad_id": ad_ids(ads, pairs.ad),
            "placement": _words(words.PLACEMENTS, pairs.placement),
            "device": _words(words.DEVICES, pairs.device),
        }
    )


def truth_table(world: World, day: int) -> pa.Table:
    """The true click probability of every impression shown on the day."""
    p_click = world.p_click(day)
    return pa.table({"impression_id": impression_ids(day, np.arange(len(p_click))), "p_click": p_click})


def impression_ids(day: int, rows: Ints) -> pa.Array:
    """Such as i-20260105-000123 for row 123 of a day."""
    return _numbered(f"i-{date.fromordinal(day):%Y%m%d}-", rows, 6)


def user_ids(users: Users, rows: Ints) -> pa.Array:
    """Such as u000123."""
    return _numbered("u", users.numbers[rows], 6)


def ad_ids(ads: Ads, rows: Ints) -> pa.Array:
    """Such as a95010042: the world's day of the launch, then the ad's number on that day."""
    return _numbered("a", ads.numbers[rows], 8)


def _spelled_impressions(world: World, shown: Impressions, rows: Ints) -> pa.Array:
    pairs = shown.pairs.at(rows)
    device = _words(words.DEVICES, pairs.device)
    if context_lost(world.scenario, shown.day):
        device = pa.array([""] * len(rows), pa.string())
    bid = (shown.bid[rows] * bid_factor(world.scenario, shown.day)).round(4)
    columns = (
        impression_ids(shown.day, rows),
        spelled_times(shown.shown_at[rows], world.settings.time_zone),
        user_ids(shown.users, pairs.user),
        ad_ids(shown.ads, pairs.ad),
        _words(words.PLACEMENTS, pairs.placement),
        device,
        _words(words.OS_VERSIONS, shown.os[rows]),
        pa.array(bid).cast(pa.string()),
        pa.array(shown.depth[rows]).cast(pa.string()),
    )
    return pc.binary_join_element_wise(*columns, ",")


def _numbered(prefix: str, numbers: Ints, width: int) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def _words(vocabulary: tuple[str, ...], codes: Ints) -> pa.Array:
    return pa.array(vocabulary).take(pa.array(codes))


def _dates(ordinals: Ints) -> pa.Array:
    return pa.array((ordinals - _EPOCH).astype(np.int32)).cast(pa.date32())
