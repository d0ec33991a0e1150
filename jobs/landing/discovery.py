"""Which landing files belong to a night."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from conf.errors import LandingError, NothingLanded
from conf.landing import Files
from conf.notation import DATE_FIELD

ISO_DAY = "%Y-%m-%d"
DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%y": 2, "%j": 3}
"""How many digits each field of a date has in a path."""


@dataclass(frozen=True)
class LandingFile:
    """One landing file, and the day its path says it arrived (None where the path says none)."""

    path: Path
    name: str
    day: date | None

    @property
    def signature(self) -> str:
        """Changes when the file's content does: name, bytes, time of writing."""
        status = self.path.stat()
        return f"{self.name}:{status.st_size}:{status.st_mtime_ns}"


def pattern_for(files: Files, day: date) -> str:
    """The glob pattern of one day's files."""
    return DATE_FIELD.sub(lambda match: day.strftime(match[1] or ISO_DAY), files.files)


def files_of(data: Path, files: Files, day: date) -> list[LandingFile]:
    """The files of one kind that `day` names; all of the kind where the path does not name a day."""
    found = sorted(path for path in data.glob(pattern_for(files, day)) if path.is_file())
    return [LandingFile(path, _name(path, data), day if files.dated else None) for path in found]


def _name(path: Path, data: Path) -> str:
    """A file's name below the data folder.

    Raises:
        LandingError: it holds bytes that are no text, so that no table could name the file.
    """
    name = path.relative_to(data).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise LandingError(
            f"The name of the landing file {name!r} below {data} is no UTF-8 text. Rename it."
        ) from error
    return name


def files_for_night(
    data: Path, files: Files, night: date, *, late_days: int, taken: Mapping[date, Collection[str]]
) -> list[LandingFile]:
    """The files that the night takes in: its own, and earlier ones that appeared after their own night had run.

    `taken` names the files that other nights, earlier and later, have taken in. A file stays with the night that took
    it: a night that is run again leaves alone what came too late for it.
    """
    if not files.dated:
        return files_of(data, files, night)
    earlier = [night - timedelta(days=back) for back in range(late_days, 0, -1)]
    days = [*(day for day in earlier if day in taken), night]
    elsewhere = {name for names in taken.values() for name in names}
    return [file for day in days for file in files_of(data, files, day) if file.name not in elsewhere]


def require(found: list[LandingFile], data: Path, files: Files, source: str, night: date) -> list[LandingFile]:
    """`found`, or an error that tells what was looked for.

    Raises:
        NothingLanded: no file of this kind for the day, though other days have one.
        LandingError: no file of this kind at all.
    """
    if found:
        return found
    nearby = days_landed(data, files)
    hint = f" Days that have one: {nearby[0]} to {nearby[-1]}." if nearby else " No other day has one either."
    raise (NothingLanded if nearby else LandingError)(
        f"No landing file of {source} for {night}: nothing matches {data / pattern_for(files, night)}."
        + (hint if files.dated else "")
        + " Check the date, --data and the data set's `files`."
    )


def days_landed(data: Path, files: Files) -> list[date]:
    """The days for which a dated kind has files, in order; empty for a kind without dates."""
    return sorted({file.day for file in all_files(data, files) if file.day is not None})


def all_files(data: Path, files: Files) -> list[LandingFile]:
    """Every file of a kind, whatever its day, in order of day and name."""
    found = []
    for path in data.glob(_any_day(files)):
        if not path.is_file():
            continue
        name = _name(path, data)
        day = _day_in(name, files) if files.dated else None
        if day is not None or not files.dated:
            found.append(LandingFile(path, name, day))
    return sorted(found, key=lambda file: (file.day or date.min, file.name))


def _any_day(files: Files) -> str:
    """The glob pattern of all days' files."""
    starred = DATE_FIELD.sub(lambda match: re.sub(r"(%.)+", "*", match[1] or ISO_DAY), files.files)
    return "/".join(part if part == "**" else re.sub(r"\*+", "*", part) for part in starred.split("/"))


def _day_in(name: str, files: Files) -> date | None:
    """The day that a path names; None where it is no day, such as a temporary folder's."""
    fields: list[str] = []

    def group(match: re.Match[str]) -> str:
        fields.append(match[1] or ISO_DAY)
        written = re.sub(r"%.", lambda part: f"\\d{{{DIGITS[part[0]]}}}" if part[0] in DIGITS else ".+?", fields[-1])
        return f"({written})"

    pattern = "".join(
        DATE_FIELD.sub(group, part) if DATE_FIELD.fullmatch(part) else _regex_of(part)
        for part in re.split(r"(\{date(?::[^}]+)?\})", files.files)
    )
    match = re.fullmatch(pattern, name)
    try:
        return datetime.strptime(" ".join(match.groups()), " ".join(fields)).date() if match else None
    except (ValueError, re.error):  # a field that stands twice cannot be read back
        return None


def _regex_of(glob: str) -> str:
    return re.escape(glob).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
