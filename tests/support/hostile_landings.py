"""A night's landing of the small click log with bad rows in every file, and what the tables must hold of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hostile_files import FORMATS, NO_JSON, HostileFile, damaged_files, whole_files
from hostile_rows import BAD_IDS, BAD_TIMES, GOOD_IDS, SLOTS, as_code
from hypothesis import strategies as st
from landing_files import CANDIDATE, FIRST

CLICK_TIMES = (f"{FIRST} 13:00:00", f"{FIRST} 13:00:00.000001", f"{FIRST} 23:59:59", "2026-01-09 00:00:00")
"""Moments that differ, and can be used on the first night."""
IDS = tuple(one for one in GOOD_IDS if len(one) < 100)


@dataclass(frozen=True)
class Fate:
    """What must become of one row: its key and values, or nothing where it is quarantined."""

    key: Hashable = None
    values: tuple[object, ...] = ()


@dataclass(frozen=True)
class Landing:
    """The files of one night. `fates` are by source, in the order of files and rows."""

    impressions: tuple[HostileFile, ...]
    clicks: bytes
    ads: bytes
    candidates: bytes
    fates: dict[str, tuple[Fate, ...]]

    def land(self, folder: Path) -> None:
        """Write the files."""
        folder.mkdir(parents=True)
        for number, file in enumerate(self.impressions):
            (folder / f"impressions-{number}{file.ending}").write_bytes(file.content)
        (folder / "clicks.jsonl").write_bytes(self.clicks)
        (folder / "ads.csv").write_bytes(self.ads)
        (folder / "candidates.csv").write_bytes(self.candidates)


def expected_balance(fates: Sequence[Fate]) -> dict[str, int]:
    """The counts of one kind of file, as its generator knows them."""
    usable = [fate for fate in fates if fate.key is not None]
    used = len({fate.key for fate in usable})
    found = {"landed": len(fates), "used": used, "duplicates": len(usable) - used}
    return found | {"quarantined": len(fates) - len(usable)}


def expected_rows(fates: Iterable[Fate]) -> list[tuple[object, ...]]:
    """The values of the rows that are used: of those with one key, the first."""
    found: dict[Hashable, tuple[object, ...]] = {}
    for fate in fates:
        if fate.key is not None:
            found.setdefault(fate.key, fate.values)
    return sorted(found.values(), key=repr)


def _impression_fates(files: Sequence[HostileFile]) -> tuple[Fate, ...]:
    found = [row for file in files for row in file.rows]
    return tuple(Fate() if row.wrong else Fate(row.values[1], row.values) for row in found)


def _ids(bad_too: bool = True) -> st.SearchStrategy[str]:
    return st.sampled_from((*IDS, *IDS, *(BAD_IDS if bad_too else ())))


@st.composite
def _clicks(draw: st.DrawFn) -> tuple[bytes, tuple[Fate, ...]]:
    lines, fates = [], []
    for _ in range(draw(st.integers(0, 4))):
        how = draw(st.sampled_from(("good", "good", "good", "id", "time", "line")))
        if how == "line":
            lines.append(draw(st.sampled_from([line for line in NO_JSON if b"impression_id" not in line])))
            fates.append(Fate())
            continue
        shown = draw(st.sampled_from(BAD_IDS if how == "id" else IDS))
        at = draw(st.sampled_from(BAD_TIMES if how == "time" else CLICK_TIMES))
        lines.append(json.dumps({"impression_id": shown, "clicked_at": at}).encode())
        fates.append(Fate((as_code(shown), at), (as_code(shown), at)) if how == "good" else Fate())
    return b"\n".join(lines), tuple(fates)


def _table(header: Sequence[str], cells: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *cells])
    return text.getvalue().encode()


@st.composite
def _ads(draw: st.DrawFn) -> tuple[bytes, tuple[Fate, ...]]:
    cells = draw(st.lists(st.tuples(_ids(), st.sampled_from(SLOTS)), max_size=6))
    fates = [Fate() if ad in BAD_IDS else Fate(as_code(ad), (as_code(ad), as_code(group))) for ad, group in cells]
    return _table(("ad", "campaign_id"), cells), tuple(fates)


@st.composite
def _candidates(draw: st.DrawFn) -> tuple[bytes, tuple[Fate, ...]]:
    cells = draw(st.lists(st.tuples(_ids(), _ids(), st.sampled_from(SLOTS)), max_size=6))
    pairs = [tuple(as_code(cell) for cell in pair) for pair in cells]
    bad = [user in BAD_IDS or ad in BAD_IDS for user, ad, _ in cells]
    fates = [Fate() if wrong else Fate(pair, pair) for pair, wrong in zip(pairs, bad, strict=True)]
    return _table(CANDIDATE, cells), tuple(fates)


@st.composite
def landings(draw: st.DrawFn) -> Landing:
    """A night's files; those of impressions all of one format, with columns in other orders."""
    kind = draw(st.sampled_from(FORMATS))
    files = tuple(draw(st.lists(whole_files((kind,), plain=True), min_size=1, max_size=3)))
    sources = {"clicks": draw(_clicks()), "attributes_ads": draw(_ads()), "candidates": draw(_candidates())}
    fates = {source: found for source, (_, found) in sources.items()} | {"impressions": _impression_fates(files)}
    return Landing(files, *(content for content, _ in sources.values()), fates)


@st.composite
def damaged_landings(draw: st.DrawFn) -> Landing:
    """A night's files with one among the impressions that cannot be read."""
    whole = draw(landings())
    damaged = draw(damaged_files())
    same = [file for file in whole.impressions if file.layout["format"] == damaged.layout["format"]]
    return replace(whole, impressions=(*same, replace(damaged, ending=f"-damaged{damaged.ending}")))
