"""What surroundings do to a command, in words: no room, no right to write, no memory, a lock, a dead engine.

Each library tells these in an exception of its own, from anywhere; they are told apart here by what they say.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from conf.error_words import causes, first_line
from conf.errors import CtrError, StoreError

AGAIN = "Then run the same command again: it goes on where it was, and no table holds a part."
LONGEST_REASON = 300


@dataclass(frozen=True)
class Failure:
    """A kind of failure: by which error numbers and words it is known, and what to say."""

    numbers: tuple[int, ...]
    words: tuple[str, ...]
    told: str


FAILURES = (
    Failure(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        ("no space left on device", "disk quota exceeded", "file too large", "database or disk is full"),
        "There is no room left to write to below {home}. Make room (`ctr maintain` removes what nothing needs), or "
        "lift the limit. " + AGAIN,
    ),
    Failure(
        (errno.EROFS, errno.EACCES, errno.EPERM),
        ("read-only file system", "permission denied", "readonly database", "operation not permitted"),
        "{home}, or something in it, cannot be written to. Give the user of this process the right to, or name "
        "another --home. " + AGAIN,
    ),
    Failure(
        (errno.ENOMEM,),
        (
            "cannot allocate memory",
            "resources exhausted",
            "out of memory",
            "malloc of size",
            "failed to map segment",
            "can't start new thread",
        ),
        "The memory that this process may have is not enough. Give it more, or lower training.window_days or "
        "training.sampling_rate. " + AGAIN,
    ),
    Failure(
        (),
        ("database is locked", "database table is locked"),
        "Another process holds a database in {home}, and did not let go of it. Wait until it has ended, or end it. "
        + AGAIN,
    ),
    Failure(
        (),
        (
            "failed to connect to all addresses",
            "statuscode.unavailable",
            "socket closed",
            "connection reset by peer",
            "no_active_session",  # the server has begun anew: whatever knew of this session is gone
            "invalid_handle.session",
        ),
        "The engine ended, or cannot be reached, in the middle of a query. See that it is up, and has memory enough. "
        + AGAIN,
    ),
    Failure(
        (),
        (
            "no such file or directory",
            "not found",
            "parquet error",
            "could not open parquet",
            "corrupt",
            "magic bytes",
            "couldn't deserialize",
        ),
        "A file that a table names is gone, or damaged. `ctr doctor` names it, and `ctr repair` rebuilds its days.",
    ),
)


def in_words(error: BaseException, home: Path) -> CtrError | None:
    """An error that tells what to do, where the surroundings are to blame for it; None for a defect of ours."""
    if isinstance(error, MemoryError):
        return _told(FAILURES[2], error, home)
    for cause in causes(error):
        for failure in FAILURES[:-1]:
            if _is(failure, cause):
                return _told(failure, cause, home)
    # Of files that are missing only those of the tables are known to be no defect.
    tables = [cause for cause in causes(error) if f"{home.name}/warehouse" in str(cause)]
    return next((_told(FAILURES[-1], cause, home) for cause in tables if _is(FAILURES[-1], cause)), None)


def _is(failure: Failure, cause: BaseException) -> bool:
    number = cause.errno if isinstance(cause, OSError) else None
    return number in failure.numbers or any(word in str(cause).lower() for word in failure.words)


def _told(failure: Failure, cause: BaseException, home: Path) -> CtrError:
    return StoreError(f"{failure.told.format(home=home)}\nWhat was said: {first_line(cause)[:LONGEST_REASON]}")
