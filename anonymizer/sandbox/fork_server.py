"""Where detector processes come from: one process loads the recognisers, and every detector is a fork of it.

Decides how detectors are made and ended. Nothing hostile reaches the process that forks: it reads no text, so that it
can be trusted to end the others. A fork shares what was loaded and is there in milliseconds; loading takes seconds and
200 MB each.
"""

import contextlib
import os
import socket
import subprocess
import sys
from typing import Final

from anonymizer.sandbox.detector_child import DetectorChild

__all__ = ["ForkServer"]

_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
_FORK: Final = b"+\n"


class ForkServer:
    """A process that runs `module`, was given `setup`, and forks; it is begun again where it is gone."""

    def __init__(self, module: str, setup: bytes) -> None:
        self._module, self._setup = module, setup
        self._begin()

    def child(self) -> DetectorChild:
        """Return a new detector; it says its first word once the recognisers are loaded."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._socket, [_FORK], [theirs.fileno()])
            except OSError:
                self.close()
                self._begin()
                socket.send_fds(self._socket, [_FORK], [theirs.fileno()])
        return DetectorChild(ours, self._end)

    def close(self) -> None:
        """End the process and every detector that it made."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _begin(self) -> None:
        self._socket, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        # One thread: a fork takes no other along.
        environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", self._module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a traceback of a detector could hold a text
                env=environment,
            )
        self._socket.sendall(self._setup + b"\n")

    def _end(self, pid: int) -> None:
        """Let the parent of a detector end it: no other process can have its id while its parent has not asked."""
        with contextlib.suppress(OSError):
            self._socket.sendall(b"%d\n" % pid)
