"""TCP ports: whether one is free, and finding one that is."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from jobs.services.errors import ServiceError


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """A port nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def require_free(host: str, ports: Mapping[str, int]) -> None:
    """Check the ports of all services before any is started. `ports` maps the option that sets a port to the port.

    Raises:
        ServiceError: a port is taken, or given to two services; the message names the option that changes it.
    """
    for option, port in ports.items():
        others = [other for other, number in ports.items() if number == port and other != option]
        if others:
            raise ServiceError(f"{option} and {others[0]} are both {port}. Give one of them another port.")
        if not is_free(host, port):
            raise ServiceError(f"Port {port} on {host} is taken. Stop what listens there, or give another: {option} N.")
