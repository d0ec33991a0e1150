"""Errors that a person can act on. Each message says what was wrong, where, and what to do about it."""

from __future__ import annotations


class CtrError(Exception):
    """Base of every error the pipeline raises on purpose. `exit_code` is what the command line ends with."""

    exit_code = 1


class SettingsError(CtrError):
    """A setting, environment or data set description is wrong or unknown."""

    exit_code = 2


class LandingError(CtrError):
    """The landing files of a day are missing or cannot be read."""

    exit_code = 3


class NothingLanded(LandingError):
    """A day has no landing file, or no row in the files of all days."""


class FeedBlocked(CtrError):
    """The data gate found the night's feed broken: nothing of it may be published."""

    exit_code = 4


class StoreError(CtrError):
    """A table, the catalog or the model store cannot be read or written."""

    exit_code = 5


class RegistryError(StoreError):
    """MLflow cannot be reached, or does not do what is asked. What the home holds is enough for a night."""


class RegistryRefusal(StoreError):
    """MLflow answers, and refuses what is asked. It will refuse again: waiting does not help, a person has to look."""


class NotReady(CtrError):
    """Something that must come first has not happened yet, such as mature labels before training."""

    exit_code = 6
