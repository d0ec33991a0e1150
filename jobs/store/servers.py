"""Failures of what tables stand on, catalog database and object storage, wherever a step meets them."""

from __future__ import annotations

from conf.error_words import causes
from conf.errors import StoreError

STORAGE_WORDS = ("AWS Error", "Generic S3 error", "Unable to resolve region for bucket")
"""How Arrow and the embedded engine begin what they say of object storage."""
LONGEST_REASON = 300


def failure_of_a_server(error: BaseException) -> StoreError | None:
    """What such a failure is for whoever runs the step; None for any other error."""
    from sqlalchemy.exc import DBAPIError

    for cause in causes(error):
        text = str(cause)
        begin = min((text.find(words) for words in STORAGE_WORDS if words in text), default=-1)
        if begin >= 0:
            return StoreError(
                f"Object storage does not do what is asked: {_line(text[begin:])}. Check `store.warehouse` and the "
                "variables AWS_ENDPOINT_URL, AWS_REGION and AWS_ACCESS_KEY_ID; then run the same command again."
            )
        if (isinstance(cause, DBAPIError) and cause.connection_invalidated) or _is_refused(cause):
            return StoreError(
                f"The database of the catalog does not answer: {_line(str(getattr(cause, 'orig', cause)))}. "
                "Check `store.catalog_uri` and the server; then run the same command again."
            )
    return None


def _is_refused(cause: BaseException) -> bool:
    from sqlalchemy.exc import OperationalError

    return isinstance(cause, OperationalError) and "psycopg" in type(cause.orig).__module__


def _line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_REASON].rstrip(".")
