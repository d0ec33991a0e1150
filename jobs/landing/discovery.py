"""Which landing files belong to a night."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from conf.dataset import Files
from conf.errors import LandingError

DATE_FIELD = re.compile(r"\{date(?::([^}]+))?\}")


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
    return DATE_FIELD.sub(lambda match: day.strftime(match[1] or "%Y-%m-%d"), files.files)


def files_of(data: Path, files: Files, day: date) -> list[LandingFile]:
    """The files of one kind that `day` names; all of the kind where the path does not name a day."""
    found = sorted(path for path in data.glob(pattern_for(files, day)) if path.is_file())
    return [LandingFile(path, path.relative_to(data).as_posix(), day if files.dated else None) for path in found]


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
        LandingError: no file of this kind.
    """
    if found:
        return found
    nearby = days_landed(data, files)
    hint = f" Days that have one: {nearby[0]} to {nearby[-1]}." if nearby else " No other day has one either."
    raise LandingError(
        f"No landing file of {source} for {night}: nothing matches {data / pattern_for(files, night)}."
        + (hint if files.dated else "")
        + " Check the date, --data and the data set's `files`."
    )


def days_landed(data: Path, files: Files) -> list[date]:
    """The days for which a dated kind has files, in order; empty for a kind without dates."""
    from datetime import datetime

    match = DATE_FIELD.search(files.files)
    if not match:
        return []
    spelling = match[1] or "%Y-%m-%d"
    depth = files.files[: match.start()].count("/")
    days = set()
    for path in data.glob(DATE_FIELD.sub("*", files.files)):
        part = path.relative_to(data).parts[depth]
        prefix, _, suffix = files.files.split("/")[depth].partition(match[0])
        middle = part[len(prefix) : len(part) - len(suffix) if suffix and "*" not in suffix else None]
        try:
            days.add(datetime.strptime(middle, spelling).date())
        except ValueError:
            continue  # a folder that is no day, such as a temporary one
    return sorted(days)
