"""Columns that look wrong as features: outcomes in disguise, constants, ids, numbers taken for codes and codes for
numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conf.landing import Columns
from features.parse import no_number
from jobs.description.findings import LEAST_ROWS, Finding, quoted, rejects_finding, share, suspicious, wrong
from jobs.description.profiles import DECIMAL_COMMA, numbers_of
from jobs.description.sampling import Sample

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TELLING_AUC = 0.95
ONLY_WHERE_CLICKED = 0.9
BEFORE_NAME = re.compile(r"(^|_)(last|since|prev\w*|past|before|history|hist|ago)(_|$)")
"""What such a column counts lies before the impression."""
LEAST_CLICKS = 10
MANY_MISSING = 0.2
"""The data gate's default: it warns above this share."""
OWN_VALUE = 0.95
NOTHING = frozenset({"", "0", "0.0", "-1", "-1.0", "false", "none", "null", "nan"})
OUTCOME_NAME = re.compile(
    r"(^|_)(is_)?(clicks?|clicked|conver\w*|purchas\w*|sales?|revenue|orders?|dwell\w*|watch\w*|play_?time\w*|likes?"
    r"|shares?|comments?|follows?|forwards?|hates?|installs?|basket|cart|umsatz|kauf\w*|bestell\w*|attribution|long_view|stay_time|cpo)(_|$)"
)


def outcome_strength(values: pd.Series, clicked: np.ndarray, decimal: str = ".") -> str:
    """Why a column (as text) can only be known after the impression, in words; empty where nothing says so."""
    clicks = int(clicked.sum())
    if clicks < LEAST_CLICKS or clicks == len(clicked):
        return ""
    nothing = values.fillna("").str.strip().str.lower().isin(NOTHING) | (numbers_of(values, decimal) == 0)
    there = ~nothing.to_numpy()
    rate = float(clicked.mean())
    if LEAST_CLICKS <= there.sum() < 0.98 * len(there):
        among = float(clicked[there].mean())
        if among > max(ONLY_WHERE_CLICKED, 1.5 * rate):
            return f"{share(among)} of the rows in which it says something are clicked"
    strength = single_column_auc(values, clicked, decimal)
    return f"alone it tells clicks from the rest with an AUC of {strength:.3f}" if strength > TELLING_AUC else ""


def sounds_like_outcome(name: str) -> bool:
    """Whether a column is named like something that follows an impression."""
    return bool(OUTCOME_NAME.search(name.lower())) and not BEFORE_NAME.search(name.lower())


def single_column_auc(values: pd.Series, clicked: np.ndarray, decimal: str = ".") -> float:
    """How well one column alone ranks clicks, 0.5 to 1: as a number and as a category, whichever ranks better.

    A category's score is its click rate in the other half of the rows, so that an id does not seem to know everything.
    """
    import numpy as np
    import pandas as pd

    from models.metrics import auc

    number = numbers_of(values, decimal)
    found = [0.5]
    if number.notna().mean() > 0.5:
        ranked = auc(number.fillna(number.min() - 1).to_numpy(), clicked)
        found.append(0.5 if ranked is None else max(ranked, 1 - ranked))
    half = np.arange(len(values)) % 2
    score = np.full(len(values), clicked.mean())
    for side in (0, 1):
        rates = pd.Series(clicked[half != side]).groupby(values.fillna("")[half != side].to_numpy()).mean()
        score[half == side] = values.fillna("")[half == side].map(rates).fillna(clicked.mean()).to_numpy()
    found.append(auc(score, clicked) or 0.5)
    return max(found)


def leak_findings(sample: Sample, columns: Columns, clicked: np.ndarray | None, decimal: str) -> list[Finding]:
    """Features of the impressions that only an outcome can be. `clicked` is the label of each usable row."""
    assert sample.raw is not None and sample.parsed is not None
    usable = sample.raw[sample.parsed["_reject"].isna().to_numpy()]
    found = []
    for name in columns.all:
        reason = "" if clicked is None else outcome_strength(usable[name].reset_index(drop=True), clicked, decimal)
        if reason:
            text = f"`{name}` looks like an outcome among the features: {reason}; if so, move it to `outcomes`"
            found.append(suspicious("impressions", text))
        elif sounds_like_outcome(name):
            text = f"`{name}` sounds like something known only after the impression; if so, move it to `outcomes`"
            found.append(suspicious("impressions", text))
    return found


def column_findings(sample: Sample, columns: Columns, decimal: str) -> list[Finding]:
    """Columns that say nothing, or are declared as what they are not."""
    assert sample.raw is not None and sample.parsed is not None
    level = [finding for name in columns.numeric for finding in _number_findings(sample, name, decimal)]
    no_numbers = [no_number(name) for name in columns.numeric]
    judged = sample.raw[(sample.parsed["_reject"].isna() | sample.parsed["_reject"].isin(no_numbers)).to_numpy()]
    if len(judged) < LEAST_ROWS:
        return level
    found = []
    for name in columns.all:
        text = judged[name].str.strip().replace("", None)
        there = text.dropna()
        missing = 1 - len(there) / len(text)
        if there.empty:
            found.append((name, "is empty in every row"))
        elif there.nunique() == 1 and missing == 0:
            found.append((name, f"is {quoted([there.iloc[0]])} in every row and says nothing"))
        elif missing > MANY_MISSING:
            found.append((name, f"is missing in {share(missing)} of the rows; the data gate will warn every night"))
    for name in columns.categorical:
        found += [(name, words) for words in _category_words(judged[name].dropna())]
    return [*(suspicious(sample.kind.source, f"`{name}` {words}") for name, words in found), *level]


def _category_words(values: pd.Series) -> list[str]:
    distinct = values.nunique()
    if len(values) < LEAST_ROWS:
        return []
    numbers = numbers_of(values)
    if numbers.notna().all() and distinct > LEAST_ROWS and (numbers % 1 != 0).mean() > 0.5:
        return [f"is declared categorical but holds fractions, e.g. {quoted(list(values.unique()))}; make it numeric"]
    if distinct > OWN_VALUE * len(values) and len(values) >= 5 * LEAST_ROWS:
        return [f"is declared categorical but has {distinct:,} values in {len(values):,} rows: nothing to learn from"]
    return []


def _number_findings(sample: Sample, name: str, decimal: str) -> list[Finding]:
    assert sample.raw is not None and sample.parsed is not None
    source = sample.kind.source
    unread = sample.raw.loc[(sample.parsed["_reject"] == no_number(name)).to_numpy(), name].str.strip()
    if len(unread):
        examples = list(unread.unique())
        part = len(unread) / len(sample.parsed)
        words = f"{share(part)} of the rows cannot be used: `{name}` is declared numeric and holds {quoted(examples)}"
        if decimal == "." and all(DECIMAL_COMMA.fullmatch(value) for value in examples[:20]):
            return [wrong(source, f'{words}; these have a decimal comma: `decimal: ","`')]
        return [rejects_finding(sample, part, f"{words}; make it categorical if these are no slips")]
    numbers = sample.parsed[name].dropna()
    whole = len(numbers) >= 5 * LEAST_ROWS and bool((numbers % 1 == 0).all())
    if whole and 2 < numbers.nunique() <= 12 and numbers.min() >= 100:
        examples = [f"{value:.0f}" for value in numbers.unique()]
        return [suspicious(source, f"`{name}` is declared numeric but looks like a code, e.g. {quoted(examples)}")]
    return []
