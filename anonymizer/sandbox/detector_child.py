"""One detector process and the line to it: JSON, one message a line, over a socket pair.

Decides how such a process is heard. Does not decide what its silence means (`pool`), or make and end it (`nursery`).
"""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any, Final

__all__ = ["DetectorChild"]

_CHUNK: Final = 1 << 16
_LOOK_SECONDS: Final = 0.002
_HAND_OVER_SECONDS: Final = 5.0


class DetectorChild:
    """A detector at the other end of `line`, with its `pid` once it started; `broken` once it is not to be trusted."""

    def __init__(self, line: socket.socket, end: Callable[[int], None]) -> None:
        self.broken = self.started = False
        self._socket, self._end = line, end
        self._socket.setblocking(False)
        self.pid: int | None = None
        self._heard = b""

    async def start(self, seconds: float) -> bool:
        """Wait until it has loaded its recognisers; tell whether it has."""
        with contextlib.suppress(TimeoutError):
            word = await self.receive(seconds)
            self.started = word is not None
            self.pid = word["pid"] if word else None
        return self.started

    async def send(self, message: bytes) -> None:
        """Hand one message over."""
        sending = asyncio.get_running_loop().sock_sendall(self._socket, message + b"\n")
        try:
            await asyncio.wait_for(sending, _HAND_OVER_SECONDS)
        except OSError:  # a time-out is one, too
            self.broken = True

    async def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, None where the process is gone.

        Raises:
            TimeoutError: there was none within `seconds`.
        """
        until = time.monotonic() + seconds
        try:
            while b"\n" not in self._heard:
                data = await self._read(until)
                if not data:
                    self.broken = True
                    return None
                self._heard += data
            line, _, self._heard = self._heard.partition(b"\n")
            message: dict[str, Any] = json.loads(line)
        except (ConnectionError, ValueError):
            self.broken = True
            return None
        return message

    async def _read(self, until: float) -> bytes:
        """Look again every few milliseconds: waking up for every answer would cost more than the answers."""
        while True:
            with contextlib.suppress(BlockingIOError):
                return self._socket.recv(_CHUNK)
            if time.monotonic() > until:
                raise TimeoutError
            await asyncio.sleep(_LOOK_SECONDS)

    def kill(self) -> None:
        """End the process now; one that has not started yet ends as it finds nobody to answer."""
        self._socket.close()
        if self.pid is not None:
            self._end(self.pid)
