"""Addresses of the tables' files, as those who read them take them."""

from __future__ import annotations

HERE = "file://"
"""How Iceberg writes the address of a file on this machine."""


def readable(address: str) -> str:
    """An address as the engine and Arrow take it: a path on this machine, or whole where the file lies elsewhere."""
    return address.removeprefix(HERE)


def local_path(address: str) -> str:
    """A file's path on this machine; empty where it lies elsewhere."""
    return readable(address) if address.startswith(HERE) or "://" not in address else ""
