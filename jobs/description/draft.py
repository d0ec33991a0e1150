"""Draft a description from the files alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, combinations, count
from pathlib import Path
from typing import TYPE_CHECKING

from conf.consistency import ROOT
from conf.notation import parse_duration
from jobs.description.column_findings import outcome_strength, sounds_like_outcome
from jobs.description.found_files import found_in
from jobs.description.profiles import Profile, moments
from jobs.description.roles import LEAST_CLICKS, Roles, Table, identity, matching_id, roles_of, user_and_ad
from jobs.description.yaml_text import rendered

if TYPE_CHECKING:
    import numpy as np

COVERED = 0.995
"""Share of the observed click delays that a drafted window holds."""
MOST_FEATURES = 40
LEAST_VARIETY = 0.005
"""A column whose most common value leaves fewer rows than this share says next to nothing."""
MOST_HISTORIES = 5
MOST_GROUPS = 3
MOST_PARTS = 1_000
FEW_VALUES = range(2, 21)
WINDOWS = ("30m", "1h", "6h", "12h", "24h", "2d", "3d", "7d", "14d", "30d")


@dataclass
class DraftedColumns:
    """How the columns of one kind of file are used: new names by use, their names in the file, what is left out."""

    categorical: list[str] = field(default_factory=list)
    numeric: list[str] = field(default_factory=list)
    dates: list[str] = field(default_factory=list)
    rename: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    """Columns by the reason why they are not used."""
    distinct: dict[str, int] = field(default_factory=dict)

    def take(self, profile: Profile, taken: set[str], prefix: str) -> None:
        """Use a column as what it looks like."""
        again = f"{prefix}_{profile.plain}"[:37]
        names = chain([profile.plain, again], (f"{again}_{number}" for number in count(2)))
        name = next(name for name in names if name not in taken)
        if profile.date_only:
            self.dates.append(name)
        elif profile.number:
            self.numeric.append(name)
        else:
            self.categorical.append(name)
            self.distinct[name] = profile.distinct
        taken.add(name)
        if name != profile.name:
            self.rename[name] = profile.name


@dataclass
class Draft:
    """Everything that a drafted description says."""

    name: str
    roles: Roles
    id: list[str]
    id_reason: str
    user: Profile | None
    ad: Profile | None
    context: DraftedColumns
    outcomes: dict[str, str]
    click_id: list[str] = field(default_factory=list)
    click_time: Profile | None = None
    window: str = ""
    window_reason: str = ""
    attributes: dict[str, tuple[Table, str, str, DraftedColumns]] = field(default_factory=dict)
    candidate_columns: DraftedColumns | None = None
    candidate_user: str = ""
    candidate_ad: str = ""
    histories: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    slices: list[str] = field(default_factory=list)
    crosses: list[list[str]] = field(default_factory=list)


def drafted(data: Path, name: str) -> str:
    """The text of a description of the files below a folder, with comments on what was guessed and why.

    Raises:
        SettingsError: the files do not tell impressions or clicks.
    """
    return rendered(draft_of(roles_of(found_in(data)), name))


def draft_of(roles: Roles, name: str) -> Draft:
    """Every guess about a log whose files have been told apart."""
    impressions = roles.impressions
    time = impressions.event_time
    assert time is not None
    user, ad = user_and_ad(impressions)
    if roles.clicks is None:
        key, reason = identity(impressions, [user, ad, time])
    else:
        key, names = matching_id(impressions, roles.clicks)
        reason = "the clicks name their impression by it"
    clicked = _clicked(roles, key)
    keys = {theirs for _, _, theirs in roles.attributes}
    used = {*(name for name in key if not _says_more(impressions.profiles[name])), time.name}
    used |= {profile.name for profile in (user, ad, impressions.label) if profile}
    outcomes = _outcomes(impressions, used - set(key) | {time.name}, clicked)
    taken = _spelled_twice(impressions, used | set(outcomes))
    context = _columns(impressions, used | set(outcomes), taken, "log", keep=(keys - {p.name for p in (user, ad) if p}))
    draft = Draft(name, roles, key, reason, user, ad, context, outcomes)
    if roles.clicks is not None:
        draft.click_id = [names[column] for column in key]
        draft.click_time = roles.clicks.event_time
        draft.window, draft.window_reason = _window(roles.clicks, impressions, draft)
    _draft_attributes(draft, taken)
    _draft_candidates(draft)
    _draft_combinations(draft)
    return draft


def _spelled_twice(table: Table, used: Collection[str]) -> set[str]:
    """Names of columns in use that another column would have too but for upper case: a feature needs another one."""
    return {
        name.lower()
        for name in used
        if any(other != name and profile.plain == name.lower() for other, profile in table.profiles.items())
    }


def _clicked(roles: Roles, key: Sequence[str]) -> np.ndarray:
    """The label of each sampled impression, as far as the files tell: 0 or 1."""
    import numpy as np

    impressions, label = roles.impressions, roles.impressions.label
    if roles.clicks is None:
        assert label is not None
        said = label.of(impressions.rows, impressions.files.layout.decimal)
        return np.asarray(said.to_numpy(), dtype=np.int64)
    _, names = matching_id(impressions, roles.clicks)
    theirs = set(map(tuple, roles.clicks.rows[[names[column] for column in key]].astype(str).to_numpy()))
    shown = map(tuple, impressions.rows[list(key)].astype(str).to_numpy())
    return np.fromiter((row in theirs for row in shown), dtype=np.int64)


def _outcomes(table: Table, used: Collection[str], clicked: np.ndarray) -> dict[str, str]:
    """Columns that only tell something after the impression, with the reason."""
    found = {}
    for name, profile in table.profiles.items():
        if name in used or profile.distinct < 2:
            continue
        reason = outcome_strength(table.rows[name], clicked, table.files.layout.decimal)
        if reason or sounds_like_outcome(profile.plain):
            found[name] = reason or "its name says so"
    return found


def _columns(
    table: Table, used: Collection[str], taken: set[str], prefix: str, keep: Collection[str] = ()
) -> DraftedColumns:
    """The columns that can be features. `keep` names keys of attribute tables, which are kept whatever they are."""
    columns = DraftedColumns()
    for name, profile in table.profiles.items():
        if name in used:
            continue
        reason = "" if name in keep else _useless(profile, prefix == "log")
        if reason or len(columns.categorical) + len(columns.numeric) >= MOST_FEATURES:
            columns.left_out.setdefault(reason or f"more than {MOST_FEATURES} columns", []).append(name)
        else:
            columns.take(profile, taken, prefix)
    return columns


def _says_more(profile: Profile) -> bool:
    """Whether a part of an id is a feature too: a slot or a price, unlike the number of an auction."""
    return not profile.own and (profile.distinct <= MOST_PARTS or (profile.numeric and not profile.whole))


def _useless(profile: Profile, in_log: bool) -> str:
    if profile.distinct == 0:
        return "empty"
    if profile.distinct == 1 or profile.most_common > 1 - LEAST_VARIETY:
        return "nearly always the same"
    if profile.time is not None and (in_log or not profile.date_only):
        return "a time"
    if profile.own and not profile.number and in_log:
        return "different in every row"
    return ""


def _window(clicks: Table, impressions: Table, draft: Draft) -> tuple[str, str]:
    """The smallest usual window that holds nearly all delays, and the reason."""
    import pandas as pd

    shown, clicked = impressions.event_time, clicks.event_time
    assert shown is not None and clicked is not None
    left = impressions.rows[draft.id].assign(_shown=moments(impressions.rows[shown.name], shown))
    right = clicks.rows[draft.click_id].assign(_clicked=moments(clicks.rows[clicked.name], clicked))
    pairs = pd.merge(left, right, left_on=draft.id, right_on=draft.click_id)
    delay = pairs["_clicked"] - pairs["_shown"]
    delay = delay[delay >= delay * 0]
    if len(delay) < LEAST_CLICKS:
        return "24h", "too few clicks match in the sample to measure their delays"
    needed = timedelta(seconds=float(delay.dt.total_seconds().quantile(COVERED)))
    window = next((text for text in WINDOWS if parse_duration(text) >= needed), WINDOWS[-1])
    hours = needed / timedelta(hours=1)
    return window, f"{COVERED:.1%} of {len(delay):,} clicks come within {hours:.1f} hours"


def _draft_attributes(draft: Draft, taken: set[str]) -> None:
    by_name = {profile.name: new for profile, new in ((draft.user, "user_id"), (draft.ad, "ad_id")) if profile}
    new_names = {old: new for new, old in draft.context.rename.items()}
    for table, column, theirs in draft.roles.attributes:
        key = by_name.get(theirs) or new_names.get(theirs, theirs)
        if key not in {*by_name.values(), *draft.context.categorical}:
            continue
        title = table.title if table.title not in draft.attributes else f"{table.title}_{len(draft.attributes)}"
        columns = _columns(table, {column}, taken, title)
        if columns.categorical or columns.numeric or columns.dates:
            draft.attributes[title[:40]] = (table, key, column, columns)


def _draft_candidates(draft: Draft) -> None:
    table = draft.roles.candidates
    if table is None:
        return
    columns = {profile.plain: name for name, profile in table.profiles.items()}
    draft.candidate_user = columns.get(draft.user.plain, "") if draft.user else ""
    draft.candidate_ad = columns.get(draft.ad.plain, "") if draft.ad else ""
    if (draft.user and not draft.candidate_user) or (draft.ad and not draft.candidate_ad):
        return
    shared = DraftedColumns()
    for name in (*draft.context.categorical, *draft.context.numeric):
        if name in columns:
            (shared.categorical if name in draft.context.categorical else shared.numeric).append(name)
            shared.rename |= {name: columns[name]} if columns[name] != name else {}
    draft.candidate_columns = shared


def _draft_combinations(draft: Draft) -> None:
    """Histories, slices and crosses out of the columns that are known when a pair is scored."""
    context = draft.candidate_columns or draft.context
    distinct = {name: draft.context.distinct.get(name, 0) for name in context.categorical}
    of_ad = [
        (columns.distinct[name], name)
        for _, key, _, columns in draft.attributes.values()
        if key == "ad_id"
        for name in columns.categorical
        if columns.distinct[name] > 1
    ]
    coarse = [size for size in of_ad if draft.ad and size[0] <= draft.ad.distinct / 2] or of_ad[:1]
    groups = [name for _, name in sorted(coarse)[-MOST_GROUPS:]]  # the finest ones, the coarsest of them first
    for name in groups:
        draft.histories[_history_name(name)] = ([name], "")
    if draft.ad:
        draft.histories["ad"] = (["ad_id"], _history_name(groups[-1]) if groups else "")
    if draft.user:
        draft.histories["user"] = (["user_id"], "")
    ranked = sorted((name for name in distinct if distinct[name] > 1), key=lambda name: -distinct[name])
    for name in ranked[:MOST_HISTORIES]:
        draft.histories[_history_name(name)] = ([name], "")
    if draft.user and groups:
        draft.histories[f"user_{groups[0]}"[:40]] = (["user_id", groups[0]], "user")
    if not draft.histories:
        draft.histories["weekday"] = (["weekday"], "")
    few = [name for name in distinct if distinct[name] in FEW_VALUES]
    draft.slices = few[:2]
    draft.crosses = [list(pair) for pair in combinations([*groups[:1], *few[:2]], 2)]
    if draft.user and groups:
        draft.crosses.append(["user_id", groups[0]])


def _history_name(column: str) -> str:
    """The name of a column's own history: the column's, where no other history is called that."""
    return f"{column}_context" if column in ("ad", "user", ROOT) else column
