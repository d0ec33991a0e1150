"""What one column of a file looks like, and what that says about its use."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conf.notation import NAME, RESERVED
from jobs.description.times import PATTERNS, Spelling, counts_from_zero, spelling_of

if TYPE_CHECKING:
    import pandas as pd

TIME_NAME = re.compile(r"time|date|datum|zeit|stamp|hour|(^|_)(ts|day|tag|at|when)(_|$)")
CODE_NAME = re.compile(
    r"(^|_)(id|ids|code|cat|category|type|kind|class|pos|position|slot|tab|zip|plz|os|version|hour|weekday|group"
    r"|segment)\d*(_|$)|^c\d+$|^cat\d+$"
)
MOST_CODES = 30
"""A whole number with at most so many values is taken for a code."""
DECIMAL_COMMA = re.compile(r"-?[\d.]*,\d+")
LONG_EXPONENT = r"[eE][-+]?[0-9]{4}"
"""In an id such as `12e4567890123456`: no number has it, and pandas' parser of numbers crashes on it."""
BINARY = (
    ("1", "0"),
    ("1.0", "0.0"),
    ("-1", "0"),
    ("-1.0", "-0.0"),
    ("-1.0", "0.0"),
    ("true", "false"),
    ("t", "f"),
    ("yes", "no"),
    ("y", "n"),
    ("ja", "nein"),
)
CLICK_WORDS = re.compile(r"cli(c)?k")


@dataclass(frozen=True)
class Profile:
    """One column, from a sample of its rows."""

    name: str
    rows: int
    distinct: int
    missing: float
    most_common: float
    numeric: bool
    whole: bool
    smallest: float
    largest: float
    spelling: Spelling | None
    relative: bool
    date_only: bool
    clicked: str
    """The value that would mean a click, for a column of two values; else empty."""

    @property
    def plain(self) -> str:
        """The name as an identifier."""
        return identifier(self.name)

    @property
    def last(self) -> str:
        """The name without the JSON objects around it: `uid` of `user.uid`."""
        return identifier(self.name.rpartition(".")[2]).removeprefix("log_")

    @property
    def own(self) -> bool:
        """Whether (nearly) each row has a value of its own."""
        return self.distinct > 0.98 * self.rows > 0

    @property
    def time(self) -> Spelling | None:
        """How a time is written here, if this is one. A number must have the name of a time too."""
        if self.spelling is None:
            return None
        by_digits = self.numeric or self.spelling.pattern.isalpha()
        return self.spelling if not by_digits or TIME_NAME.search(self.name.lower()) else None

    @property
    def number(self) -> bool:
        """Whether it is a quantity rather than a code."""
        if not self.numeric:
            return False
        if not self.whole:
            return True
        return self.distinct > MOST_CODES and not CODE_NAME.search(self.plain)


def profile_of(values: pd.Series, decimal: str = ".") -> Profile:
    """The profile of a text column."""
    text = values.str.strip().replace("", None)
    there = text.dropna()
    counts = there.value_counts()
    numbers = numbers_of(there, decimal)
    numeric = len(there) > 0 and bool(numbers.notna().mean() > 0.98)
    found = spelling_of(list(there))
    return Profile(
        name=str(values.name),
        rows=len(text),
        distinct=len(counts),
        missing=1 - len(there) / len(text) if len(text) else 1.0,
        most_common=float(counts.iloc[0] / len(text)) if len(counts) else 0.0,
        numeric=numeric,
        whole=numeric and bool((numbers.dropna() % 1 == 0).all()),
        smallest=float(numbers.min()) if numeric else 0.0,
        largest=float(numbers.max()) if numeric else 0.0,
        spelling=found,
        relative=numeric and counts_from_zero(list(there)),
        date_only=found is not None and not numeric and bool(there.str.fullmatch(r"\d{4}-\d{2}-\d{2}").mean() > 0.95),
        clicked=_clicked_value([str(value) for value in counts.index]),
    )


def numbers_of(values: pd.Series, decimal: str = ".") -> pd.Series:
    """Text as numbers; NaN where it is none. With a decimal comma, points group thousands."""
    import pandas as pd

    plain = values if decimal == "." else values.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
    return pd.to_numeric(plain.mask(plain.str.contains(LONG_EXPONENT, na=False)), errors="coerce")


def moments(values: pd.Series, profile: Profile) -> pd.Series:
    """Times as pandas reads them, good enough to measure delays."""
    import pandas as pd

    spelling = profile.spelling
    if spelling is not None and spelling.unit != "text":
        return pd.to_datetime(numbers_of(values), unit=spelling.unit, utc=True)  # type: ignore[call-overload]
    python = next((python for pattern, python, _ in PATTERNS if spelling and pattern == spelling.pattern), "ISO8601")
    return pd.to_datetime(values, format=python, errors="coerce", utc=True)


def _clicked_value(values: list[str]) -> str:
    if len(values) != 2:
        return ""
    lower = {value.lower(): value for value in values}
    for yes, no in BINARY:
        if {yes, no} == set(lower):
            return lower[yes]
    worded = [value for value in values if CLICK_WORDS.search(value.lower())]
    if worded:
        return min(worded, key=len)  # `click` beside `no_click`
    return ""


def identifier(name: str) -> str:
    """A name as the description wants it: lower case, digits and `_`, not one of the pipeline's own."""
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", latin).lower()
    plain = re.sub(r"[^a-z0-9]+", "_", words).strip("_")[:34] or "column"
    plain = plain if plain[0].isalpha() else f"c_{plain}"
    if plain in RESERVED:
        plain = f"log_{plain}"
    assert NAME.fullmatch(plain)
    return plain
