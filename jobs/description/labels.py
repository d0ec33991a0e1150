"""Which column tells the click, and how; and the kinds of rows of a log that holds impressions and clicks in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs.description.profiles import CLICK_WORDS, Profile, numbers_of

if TYPE_CHECKING:
    import pandas as pd

LABEL = (
    r"^(is_)?click(ed|s)?$|^(ge)?klick(t)?$",
    CLICK_WORDS.pattern,
    r"^(label|target|y|response|reward)$",
    r"(^|_)(label|reward)(_|$)",
)
NOT_THIS_CLICK = re.compile(r"(^|_)(last|prev\w*|past|hist\w*|before|since|prior|total|avg|mean|rate|ctr|url|id)(_|$)")
"""What such a column tells of clicks is not whether this impression was clicked."""
CLICK_KIND = re.compile(r"^(ad_?|banner_?|item_?)?(cli(c)?k|klick)(ed|s)?$")
SHOWN_KIND = re.compile(
    r"^(ad_?|banner_?|item_?)?(impr?(ession)?|view(ed)?|show(n|ed)?|served?|display(ed)?|expos\w*)s?$"
)
MOST_KINDS = 20


@dataclass(frozen=True)
class Label:
    """The column that tells the click: what means one, and why it was taken for it."""

    name: str
    clicked: str
    clicked_if: str
    reason: str

    def of(self, rows: pd.DataFrame, decimal: str) -> pd.Series:
        """Whether each row (as text) is clicked."""
        said = rows[self.name].fillna("").str.strip()
        if self.clicked_if == "present":
            return said != ""
        return numbers_of(said, decimal) > 0 if self.clicked_if == "above_zero" else said == self.clicked


def label_of(profiles: Mapping[str, Profile], named: bool) -> Label | None:
    """The label among columns; None where there is none. `named`: whether the file itself names its columns."""
    own = [profile for profile in profiles.values() if not NOT_THIS_CLICK.search(profile.plain)]
    for pattern in LABEL:
        for profile in own:
            if profile.clicked and re.search(pattern, profile.plain):
                return Label(profile.name, profile.clicked, "value", "two values, and its name")
    for profile in own:
        if not CLICK_WORDS.search(profile.plain):
            continue
        if profile.spelling is not None and profile.missing > 0.5:
            return Label(profile.name, "", "present", "a time that most rows lack: when it was clicked")
        if profile.distinct == 1 and profile.missing > 0.5:
            return Label(profile.name, "", "present", "one value that most rows lack, and its name")
        if profile.whole and profile.smallest == 0 and profile.most_common > 0.5:
            return Label(profile.name, "", "above_zero", "mostly 0, and its name: how often it was clicked")
    binary = [profile for profile in profiles.values() if profile.clicked]
    if not named and len(binary) == 1:
        return Label(binary[0].name, binary[0].clicked, "value", "check: the only column of two values")
    return None


def kinds_of_row(rows: pd.DataFrame, profiles: Mapping[str, Profile]) -> tuple[str, str, str] | None:
    """A column that tells impressions and clicks of one stream apart: its name, the impressions' value, the clicks'."""
    for profile in profiles.values():
        if not 2 <= profile.distinct <= MOST_KINDS or profile.numeric:
            continue
        counts = rows[profile.name].dropna().str.strip().value_counts()
        words = [str(word) for word in counts.index]
        shown = [word for word in words if SHOWN_KIND.search(word.lower())]
        clicks = [word for word in words if CLICK_KIND.search(word.lower())]
        if shown and clicks:
            return profile.name, shown[0], clicks[0]
    return None
