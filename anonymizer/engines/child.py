"""One detector process and the line to it: JSON, one message a line, over a socket pair.

Decides how such a process is started, heard and ended. Does not decide what its silence means: see `pool`.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import Any, Final

__all__ = ["Child"]

_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_CHUNK: Final = 1 << 16
_LOOK_SECONDS: Final = 0.002
_HAND_OVER_SECONDS: Final = 5.0


class Child:
    """A process that runs `module` and was given `setup`; `broken` once it is gone or not to be trusted any more."""

    def __init__(self, module: str, setup: bytes) -> None:
        self.broken = self.started = False
        self._socket, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a traceback of it could hold a text
                env=environment,
            )
        self._socket.sendall(setup + b"\n")
        self._socket.setblocking(False)
        self._heard = b""

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
        """End the process now."""
        self._process.kill()
        self._process.wait()
        self._socket.close()
