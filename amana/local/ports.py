"""Ports of the local servers: the ones they had, else free ones, always on the loopback interface.

Decides numbers. Does not hold them: between the choice and the server's own bind another program may take one, and
then the server's start fails and says so. So they lie below the range from which the system gives ports to outgoing
connections, of which there are many: a Java server takes seconds from its start to its bind.
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
    """Tell whether a server could listen there now."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True
