"""Errors of the services."""

from __future__ import annotations

from conf.errors import CtrError


class ServiceError(CtrError):
    """A service cannot start, or ended by itself."""

    exit_code = 7


class TaskFailed(CtrError):
    """A task of the Airflow night failed; the message holds the end of its log."""

    exit_code = 8
