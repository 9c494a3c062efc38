"""The parent's end of the connection to one detector process: JSON messages, one a line, over a socket pair.

Called by: `fork_server`, which makes it, and `detector_pool`, which starts it, exchanges messages and kills it.

Protocol, seen from here:
    1. receive `{"pid": ...}` once the process has been forked and its recognisers are loaded (`start`)
    2. send a batch `[[text, language, known], ...]` as one line (`send`)
    3. receive one line for each text of the batch, in order: `{"found": ...}` or `{"code": ...}` (`receive`)

Invariants:
    - The answers are JSON and never pickles: the process has read hostile text and is not trusted.
    - `broken` never becomes false again; a broken process is killed and replaced by the pool.
"""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any, Final

__all__ = ["DetectorChild"]

_CHUNK_BYTES: Final = 1 << 16
_POLL_SECONDS: Final = 0.002
_SEND_SECONDS: Final = 5.0


class DetectorChild:
    """The connection to one detector process.

    Args:
        connection: this end of the socket pair.
        end: ends the process with a given pid; the fork server's, because only the parent of a process may do that.

    Attributes:
        pid: the id of the process, None until `start` has returned True.
        started: True once the process has loaded its recognisers.
        broken: True once the process ended or answered nonsense; it must not be used any more.
    """

    def __init__(self, connection: socket.socket, end: Callable[[int], None]) -> None:
        self.broken = self.started = False
        self._socket, self._end = connection, end
        self._socket.setblocking(False)
        self.pid: int | None = None
        self._received = b""

    async def start(self, seconds: float) -> bool:
        """Wait until the process has loaded its recognisers; return whether it has, within so many seconds."""
        with contextlib.suppress(TimeoutError):
            hello = await self.receive(seconds)
            self.started = hello is not None
            self.pid = hello["pid"] if hello else None
        return self.started

    async def send(self, message: bytes) -> None:
        """Send one message, without its line break; a process that does not read it in time is broken."""
        sending = asyncio.get_running_loop().sock_sendall(self._socket, message + b"\n")
        try:
            await asyncio.wait_for(sending, _SEND_SECONDS)
        except OSError:  # TimeoutError is a subclass
            self.broken = True

    async def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, or None if the process ended or sent something else than JSON.

        Raises:
            TimeoutError: there was no message within `seconds`.
        """
        deadline = time.monotonic() + seconds
        try:
            while b"\n" not in self._received:
                data = await self._read(deadline)
                if not data:
                    self.broken = True
                    return None
                self._received += data
            line, _, self._received = self._received.partition(b"\n")
            message: dict[str, Any] = json.loads(line)
        except (ConnectionError, ValueError):
            self.broken = True
            return None
        return message

    async def _read(self, deadline: float) -> bytes:
        """Return the next bytes, empty at the end of the stream; raise TimeoutError after the deadline."""
        # Polling is deliberate: waking the event loop up for every single answer costs more than the answers do.
        while True:
            with contextlib.suppress(BlockingIOError):
                return self._socket.recv(_CHUNK_BYTES)
            if time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """End the process now."""
        # A process without a pid has not started yet: it ends by itself when it finds the socket closed.
        self._socket.close()
        if self.pid is not None:
            self._end(self.pid)
