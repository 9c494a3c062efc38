"""Ports of the local servers: the ones they had, else free ones, always on the loopback interface.

Decides numbers. Does not hold them: between the choice and the server's own bind another program may take one, and
then the server's start fails and says so.
"""

import socket
from typing import Final

from schemas.errors import ConfigurationError

__all__ = ["LOOPBACK", "choose", "demand"]

LOOPBACK: Final = "127.0.0.1"


def choose(count: int, *, wanted: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Return `count` free ports, the wanted ones first where they are free."""
    chosen = [port for port in wanted if port and is_free(port)][:count]
    held = []
    while len(chosen) < count:
        holder = socket.create_server((LOOPBACK, 0))
        held.append(holder)
        if (port := holder.getsockname()[1]) not in chosen:
            chosen.append(port)
    for holder in held:
        holder.close()
    return tuple(chosen)


def demand(port: int, option: str) -> int:
    """Return the port if it is free.

    Raises:
        ConfigurationError: CFG-021, another program has it.
    """
    if not is_free(port):
        raise ConfigurationError("CFG-021", f"port {port} ({option}) is taken by another program")
    return port


def is_free(port: int) -> bool:
    """Tell whether a server could listen there now."""
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError:
        return False
    return True
