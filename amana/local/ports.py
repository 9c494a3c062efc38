"""Port numbers of the local servers, on the loopback interface.

Purpose: choose free ports, and check a port that the operator asked for.
Called by: `amana.local.supervisor`, `amana.local.broker`, `amana.local.apicurio`, tests.

Invariants:
- Chosen ports lie in 20,000 to 32,000, below the ephemeral range from which the system serves outgoing connections: a
  Java server needs seconds from its start to its bind, long enough for a client socket to take an ephemeral port.
- A port is checked, not held: if another program takes it before the bind, the server's start fails and says so.
"""

import secrets
import socket
from typing import Final

from schemas.errors import ConfigurationError

__all__ = ["LOOPBACK", "choose", "demand", "is_free"]

LOOPBACK: Final = "127.0.0.1"

_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000


def choose(count: int) -> tuple[int, ...]:
    """Return `count` different free ports."""
    chosen: list[int] = []
    while len(chosen) < count:
        # At random: two systems that start at the same time would else choose the same ports.
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if port not in chosen and is_free(port):
            chosen.append(port)
    return tuple(chosen)


def demand(port: int, option: str) -> int:
    """Return the port if it is free.

    Raises:
        ConfigurationError: CFG-071, another program has it.
    """
    if not is_free(port):
        raise ConfigurationError("CFG-071", f"port {port} ({option}) is taken by another program")
    return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True
