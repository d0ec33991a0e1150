"""Which code a home and its tables may be opened with: the version of their schema, kept in the home and on each table.

Version 0 is what was written before versions were kept. Older tables are brought up to date when they are first
touched; newer ones are refused, because older code would write rows that lack what the newer code relies on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from conf.errors import StoreError
from conf.whole_files import write_whole

SCHEMA_VERSION = 2
"""Raise it with any change of tables, partitions or home that earlier code would misread."""
PROPERTY = "ctr.schema-version"
"""Table property that holds the version."""


def require_known(version: int, what: str) -> None:
    """Refuse what newer code has written.

    Raises:
        StoreError: the version is newer than this code's.
    """
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{what} was written by newer code: its schema version is {version}, and this code knows versions up to "
            f"{SCHEMA_VERSION}. Install that newer code, or work in another home; nothing was changed."
        )


def version_of_table(properties: Mapping[str, str]) -> int:
    """The version that a table's properties tell."""
    return int(properties.get(PROPERTY, 0))


def version_of_home(marker: Path) -> int:
    """The version that a home's marker tells; 0 without one.

    Raises:
        StoreError: the marker cannot be read.
    """
    try:
        return int(json.loads(marker.read_text(encoding="utf-8"))["schema_version"])
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{marker} does not tell the home's schema version ({error!r}). Restore the file; or delete it, if no "
            "newer code than this has worked on the home."
        ) from error


def mark(marker: Path) -> None:
    """Write this code's version into a home, whole or not at all.

    Raises:
        StoreError: the home is of a newer version.
    """
    found = version_of_home(marker)
    require_known(found, f"The home {marker.parent}")
    if found < SCHEMA_VERSION:
        write_whole(marker, json.dumps({"schema_version": SCHEMA_VERSION}))
