"""Failures of catalog database and object storage are told as such, everything else as what it is."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from jobs.store.servers import failure_of_a_server


class Refused(Exception):
    """Stands for the driver's own error, which is not installed everywhere."""


Refused.__module__ = "psycopg2"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError("When getting key 'x': AWS Error NETWORK_CONNECTION during HeadObject: could not connect"), "storage"),
        (RuntimeError("Execution error: Generic S3 error: error sending request"), "storage"),
        (OperationalError("select 1", {}, Refused("server closed the connection\nunexpectedly")), "database"),
    ],
)
def test_a_server_that_fails_is_named(error, word):
    outer = ValueError("while writing")
    outer.__cause__ = error

    assert word in str(failure_of_a_server(outer))
    assert "\n" not in str(failure_of_a_server(outer))


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("x"), sqlite3.OperationalError("locked")])
def test_other_errors_are_none_of_a_server(error):
    assert failure_of_a_server(error) is None
