"""What each group of files and each column is for: guesses, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from conf.errors import SettingsError
from jobs.description.found_files import FoundFiles
from jobs.description.labels import Label, kinds_of_row, label_of
from jobs.description.profiles import CLICK_WORDS, TIME_NAME, Profile, moments, profile_of

if TYPE_CHECKING:
    import pandas as pd

USER = (
    r"^(user|member|customer|visitor|viewer|account|person|kunden?|nutzer|benutzer)_?(id|key|nr|hash)?$",
    r"^(uid|userid|cookie(_id)?|client_id|session_id|device_id|gaid|(device_)?(idfa|ifa)|advertising_id)$",
)
AD = (
    r"^(ad|advert|advertisement|creative|banner|anzeigen?)_?(id|key|nr)?$",
    r"^(item|video|product|article|artikel|content|doc|news|movie|offer|produkt)_?(id|key|nr)?$",
    r"^(campaign|kampagnen?)_?(id|key|nr)?$",
    r"(^|_)(action|arm)(_?id)?$",
)
ROW_ID = r"^((impression|imp|request|req|event|bid|row|log|auction|view|show)_?(id|uuid|key)|id|uuid|guid)$"
OWN_ID = r"(^|_)(id|uuid|guid|key|nr|no|token|hash)$"
"""Names a row if each row has its own, whatever else the name says."""
EVENT_TIME = (r"^(event|impression|shown|show|view|log)_?(time|at|ts|timestamp)", r"time|stamp|^ts$|zeit", r".")
LATER_TIME = re.compile(
    r"conver|click|regist|launch|creat|upload|birth|publish|update|purchas|start_date|end_date|install"
)
SHOWN_WORDS = re.compile(r"impr|view|show|expos|serve|display|einblend|log")
SHARED_BY_ALL = 0.5
LEAST_OVERLAP = 0.3
UNIQUE_ENOUGH = 0.01
LEAST_CLICKS = 20


@dataclass(frozen=True)
class Table:
    """A group of files with the profiles of its columns."""

    files: FoundFiles

    @cached_property
    def profiles(self) -> dict[str, Profile]:
        """By the column's own name."""
        decimal = self.files.layout.decimal
        return {name: profile_of(self.files.rows[name], decimal) for name in self.files.names}

    @property
    def title(self) -> str:
        """What the files are called."""
        return self.files.title

    @property
    def rows(self) -> pd.DataFrame:
        """The sampled rows as text."""
        return self.files.rows

    def named(self, *patterns: str) -> Profile | None:
        """The first column whose name fits the earliest pattern."""
        for pattern in patterns:
            for profile in self.profiles.values():
                if any(re.search(pattern, name) for name in (profile.plain.removeprefix("log_"), profile.last)):
                    return profile
        return None

    @cached_property
    def event_time(self) -> Profile | None:
        """The column that tells when a row happened, with a clock if there is one."""
        times = [profile for profile in self.profiles.values() if profile.time or _relative_time(profile)]
        own = [profile for profile in times if not LATER_TIME.search(profile.plain)] or times
        clocked = [profile for profile in own if not profile.date_only and profile.time] or own
        for pattern in EVENT_TIME:
            for profile in clocked:
                if re.search(pattern, profile.plain):
                    return profile
        return None

    @cached_property
    def label(self) -> Label | None:
        """The column that tells a click."""
        return label_of(self.profiles, not self.files.layout.header)

    def only(self, column: str, value: str) -> Table:
        """The rows of one kind, out of a stream of several."""
        rows = self.rows[self.rows[column].str.strip() == value].reset_index(drop=True)
        layout = self.files.layout.model_copy(update={"where": {column: (value,)}})
        return Table(replace(self.files, layout=layout, rows=rows))


def _relative_time(profile: Profile) -> bool:
    return profile.relative and bool(TIME_NAME.search(profile.plain)) and not re.search("since|ago|age", profile.plain)


@dataclass(frozen=True)
class Roles:
    """Which files are what."""

    impressions: Table
    clicks: Table | None
    candidates: Table | None
    attributes: tuple[tuple[Table, str, str], ...]
    """Table, its key column, and the column of the impressions that has the same values."""
    unused: tuple[Table, ...]


def roles_of(found: Sequence[FoundFiles]) -> Roles:
    """Tell the groups of files apart.

    Raises:
        SettingsError: no file can be an impression log, or nothing tells clicks; the message says what was looked for.
    """
    tables = [Table(files) for files in found if len(files.rows)]
    logs = [table for table in tables if table.event_time is not None]
    if not logs:
        seen = "; ".join(f"{files.layout.files}: {', '.join(files.names[:8])}" for files in found) or "no table at all"
        raise SettingsError(f"No file with a column of times, so none can be the impression log. Found {seen}.")
    candidates = next((table for table in tables if "candidate" in table.title), None)
    labelled = [table for table in logs if table.label is not None and table is not candidates]
    others = [table for table in logs if table is not candidates]
    if labelled:
        impressions, clicks = max(labelled, key=lambda table: table.files.bytes), None
    else:
        impressions, clicks = _log_pair(others)
    told_apart = (impressions.files.files, clicks.files.files if clicks else ())
    rest = [table for table in tables if table is not candidates and table.files.files not in told_apart]
    attributes = [(table, *key) for table in rest if (key := shared_key(table, impressions)) is not None]
    used = [table for table, _, _ in attributes]
    return Roles(impressions, clicks, candidates, tuple(attributes), tuple(t for t in rest if t not in used))


def _log_pair(logs: Sequence[Table]) -> tuple[Table, Table]:
    """The impression log and its click log, told apart by name, else by size."""
    clicks = [table for table in logs if CLICK_WORDS.search(table.title)]
    shown = [table for table in logs if table not in clicks]
    if clicks and shown:
        return max(shown, key=_likeness_to_impressions), clicks[0]
    for table in logs:
        kinds = kinds_of_row(table.rows, table.profiles)
        if kinds is not None:
            column, shown_word, click_word = kinds
            return table.only(column, shown_word), table.only(column, click_word)
    found = "; ".join(f"{table.files.layout.files}: {', '.join(table.files.names[:12])}" for table in logs)
    raise SettingsError(
        "Nothing tells clicks: no column of two values, of times or of counts has a name like `click` or `label`, no "
        "column tells rows `click` from rows `impression`, and no file with times is "
        f"called `click...`. Found {found}. Rename the column or the file, or write the description by hand."
    )


def _likeness_to_impressions(table: Table) -> tuple[bool, bool, int, int]:
    """Orders logs by how much they look like impressions: times with a clock, the name, rows, bytes."""
    time = table.event_time
    assert time is not None
    return not time.date_only, bool(SHOWN_WORDS.search(table.title)), len(table.rows), table.files.bytes


def shared_key(table: Table, impressions: Table) -> tuple[str, str] | None:
    """The column by which a table describes the impressions: unique in each of its files, and with their values."""
    found: list[tuple[float, str, str]] = []
    for name, profile in table.profiles.items():
        if table.rows.assign(_key=table.rows[name]).duplicated(["_file", "_key"]).mean() > UNIQUE_ENOUGH:
            continue
        for other, theirs in impressions.profiles.items():
            if theirs.own or theirs.distinct < 2 or theirs.time:
                continue
            overlap = float(impressions.rows[other].dropna().isin(table.rows[name]).mean())
            same = profile.plain == theirs.plain
            codes = theirs.numeric and theirs.distinct <= 12  # 0, 1, 2 stand in many columns
            if overlap > (LEAST_OVERLAP if same else 0.9) and (same or not codes) and not profile.number:
                found.append((overlap + same, name, other))
    return max(found)[1:] if found else None


def user_and_ad(table: Table) -> tuple[Profile | None, Profile | None]:
    """The columns that name the user and the ad. A column that is nearly always the same, or never, names neither."""

    def fitting(patterns: Sequence[str]) -> Profile | None:
        for pattern in patterns:
            profile = table.named(pattern)
            if profile is not None and not profile.own and profile.most_common < SHARED_BY_ALL and profile.distinct > 1:
                return profile
        return None

    return fitting(USER), fitting(AD)


def identity(table: Table, parts: Sequence[Profile | None]) -> tuple[list[str], str]:
    """The columns that make an impression one, with the reason.

    A column of ids, else `parts` (user, ad, time) and whatever else it takes.
    """
    for name in (ROW_ID, OWN_ID):
        row_id = table.named(name)
        if row_id is not None and row_id.own and row_id.missing == 0:
            return [row_id.name], "each row has its own"
    label = table.label.name if table.label else ""
    others = [p.name for p in table.profiles.values() if p.missing == 0 and p.name != label and not p.own]
    key, doubled = _told_apart(table, [part.name for part in parts if part is not None and not part.missing], others)
    if not doubled:
        return key, "no column of ids; these together differ in every row"
    return key, f"no column of ids; {doubled:.1%} of the rows still repeat these and count once"


def _told_apart(table: Table, key: list[str], others: Sequence[str]) -> tuple[list[str], float]:
    """A key with as many other columns as it takes to make rows one, and the share of rows that still repeat it."""
    doubled = _doubled(table.rows, key)
    while doubled > UNIQUE_ENOUGH:
        trials = {name: _doubled(table.rows, [*key, name]) for name in others if name not in key}
        best = min(trials, key=lambda name: trials[name], default=None)
        if best is None or trials[best] > 0.9 * doubled:
            break
        key, doubled = [*key, best], trials[best]
    return key, doubled


def _doubled(rows: pd.DataFrame, key: Sequence[str]) -> float:
    return float(rows.duplicated(list(key)).mean())


def matching_id(impressions: Table, clicks: Table) -> tuple[list[str], Mapping[str, str]]:
    """The impressions' columns that the clicks repeat, and the clicks' name of each."""
    theirs = {profile.plain: name for name, profile in clicks.profiles.items()}
    theirs = {profile.last: name for name, profile in clicks.profiles.items()} | theirs
    rows = _within_sample(impressions, clicks)
    shared = {}
    for profile in impressions.profiles.values():
        other = theirs.get(profile.plain) or theirs.get(profile.last)
        if other is not None and rows[other].isin(impressions.rows[profile.name]).mean() > SHARED_BY_ALL:
            shared[profile.name] = other
    named = _shared_id(impressions, clicks, rows, theirs)
    if named is not None:
        key, _ = _told_apart(impressions, [named[0]], [name for name in shared if name != named[0]])
        return key, shared | {named[0]: named[1]}
    if not shared:
        raise SettingsError(
            f"No column of the clicks ({', '.join(clicks.files.names)}) repeats one of the impressions "
            f"({', '.join(impressions.files.names)}), so nothing tells which impression was clicked."
        )
    return list(shared), shared


def _shared_id(
    impressions: Table, clicks: Table, rows: pd.DataFrame, theirs: Mapping[str, str]
) -> tuple[str, str] | None:
    """A column of row ids, or one whose values differ in every row, and the clicks' name of it."""
    row_id = impressions.named(ROW_ID)
    if row_id is not None:
        for name in [theirs.get(row_id.plain), *clicks.files.names]:
            if name is not None and rows[name].isin(impressions.rows[row_id.name]).mean() > LEAST_OVERLAP:
                return row_id.name, name
    for name in impressions.files.names:  # an id under any other name
        if impressions.profiles[name].own and impressions.profiles[name].missing == 0:
            for other in clicks.files.names:
                if rows[other].isin(impressions.rows[name]).mean() > SHARED_BY_ALL:
                    return name, other
    return None


def _within_sample(impressions: Table, clicks: Table) -> pd.DataFrame:
    """The clicks up to the last sampled impression: there are fewer clicks, so their sample reaches further."""
    shown, clicked = impressions.event_time, clicks.event_time
    if shown is None or clicked is None:
        return clicks.rows
    until = moments(impressions.rows[shown.name], shown).max()
    reached = clicks.rows[moments(clicks.rows[clicked.name], clicked) <= until]
    return reached if len(reached) >= LEAST_CLICKS else clicks.rows
