"""Bounds that hold wherever numbers of a log are worked with."""

from __future__ import annotations

LARGEST = 1e30
"""Larger numbers are infinite in single precision, which trees refuse, and so are their squares in double, their
deviation and their range. What is larger, either way, is taken as this."""
