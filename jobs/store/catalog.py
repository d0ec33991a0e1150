"""The catalog that tables are found in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from conf.errors import StoreError
from jobs.store.addresses import local_path

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

SECONDS_TO_WAIT = 60.0
"""For another process that holds a SQLite catalog."""
DURABLE = {"py-io-impl": "jobs.store.durable_files.DurableFileIO"}


@contextmanager
def locked(catalog: Catalog, name: str) -> Iterator[None]:
    """Inside the block no other process that uses the catalog holds the lock of this name, on whatever machine it runs.

    PostgreSQL gives the lock back when the connection ends, so a process that is killed leaves none behind. A catalog
    in a file knows no such lock: there this does nothing.
    """
    from sqlalchemy import text

    engine = getattr(catalog, "engine", None)
    if engine is None or engine.dialect.name != "postgresql":
        yield
        return
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": key})
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": key})


def object_storage(variables: Mapping[str, str]) -> dict[str, str]:
    """Properties for PyIceberg that say what the variables of AWS say: the engine and Arrow read those themselves."""
    said = {
        "s3.endpoint": variables.get("AWS_ENDPOINT_URL_S3") or variables.get("AWS_ENDPOINT_URL"),
        "s3.region": variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION"),
    }
    return {name: value for name, value in said.items() if value}


def opened(uri: str, warehouse: str, properties: Mapping[str, str], namespace: str) -> Catalog:
    """The catalog with its namespace; where several processes make them at one moment, all but one try again."""
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.exceptions import NamespaceAlreadyExistsError
    from sqlalchemy.exc import SQLAlchemyError
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

    stored = object_storage(os.environ) if warehouse.startswith("s3") else {}
    made_by_another = retry_if_exception_type((SQLAlchemyError, NamespaceAlreadyExistsError))
    for attempt in Retrying(
        retry=made_by_another, stop=stop_after_attempt(3), wait=wait_random(0.1, 0.5), reraise=True
    ):
        with attempt:
            catalog = SqlCatalog("ctr", uri=waiting(uri), warehouse=warehouse, **{**DURABLE, **stored, **properties})
            if not catalog.namespace_exists(namespace):
                catalog.create_namespace(namespace)
    return catalog


def waiting(uri: str) -> str:
    """A SQLite address that waits for another process which holds the file, rather than give up after five seconds."""
    plain = uri.startswith("sqlite:///") and "?" not in uri
    return f"{uri}?timeout={SECONDS_TO_WAIT:g}" if plain else uri


def require_catalog_of(file: Path, warehouse: str) -> None:
    """Refuse to begin a new catalog beside tables that an old one knew.

    Raises:
        StoreError: the catalog's file is gone, and its tables are not.
    """
    place = local_path(warehouse)
    if file.is_file() or not place:
        return
    folder = Path(place)
    left = metadata_files(folder)
    if left:
        tables = len({one.parent for one in left})
        raise StoreError(
            f"The catalog {file} is gone, and {tables} tables lie in {folder}. "
            "`ctr repair` finds them again; or restore the file from a backup."
        )


def metadata_files(warehouse: Path) -> list[Path]:
    """The metadata files of all tables in a local warehouse, older ones too."""
    return sorted(warehouse.glob("*/*/metadata/*.metadata.json"))


def advice_for(reason: str) -> str:
    """What to do about a catalog that cannot be used, by the database's own word."""
    if "locked" in reason:
        return "Another process holds it: wait until that one has ended, or end it, and run the same command again."
    if "malformed" in reason or "not a database" in reason:
        return "The file is damaged: `ctr repair` makes it anew from the tables, or restore it from a backup."
    if "disk I/O" in reason or "full" in reason:
        return "See that its disk has room and works, then run the same command again."
    return "Check `store.catalog_uri`, or restore the file."
