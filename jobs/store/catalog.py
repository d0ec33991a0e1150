"""The catalog that tables are found in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog


def opened(uri: str, warehouse: str, properties: Mapping[str, str], namespace: str) -> Catalog:
    """The catalog with its namespace; where several processes make them at one moment, all but one try again."""
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.exceptions import NamespaceAlreadyExistsError
    from sqlalchemy.exc import SQLAlchemyError
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

    made_by_another = retry_if_exception_type((SQLAlchemyError, NamespaceAlreadyExistsError))
    for attempt in Retrying(
        retry=made_by_another, stop=stop_after_attempt(3), wait=wait_random(0.1, 0.5), reraise=True
    ):
        with attempt:
            catalog = SqlCatalog("ctr", uri=uri, warehouse=warehouse, **properties)
            if not catalog.namespace_exists(namespace):
                catalog.create_namespace(namespace)
    return catalog
