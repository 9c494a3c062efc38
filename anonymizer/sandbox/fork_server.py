"""The parent's end of the connection to the fork server, which loads the detectors once and forks every detector.

A fork shares the loaded models with the fork server and is ready within milliseconds; a process of its own would take
seconds and 200 MB (docs/adr/0024-forked-detectors.md). The program of the server is `detector_process`.

Called by: `detector_pool`.

    server = ForkServer("anonymizer.sandbox.detector_process", setup)
    child = server.child()            # asks for a fork
    await child.start(seconds)        # waits until it is ready
    child.kill()                      # has the fork server end it
    server.close()                    # ends the fork server and with it every detector

Invariants:
    - No text reaches the fork server. It can therefore be trusted to end its children.
    - If the fork server dies, all its children die with it (PR_SET_PDEATHSIG); the next `child` starts a new server.
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
    """A process that runs `module` and forks a detector for every socket that it is sent.

    Args:
        module: the program, run with `python -m`; `detector_process`, or a flawed one in tests.
        setup: its first message, one line of JSON without the line break.
    """

    def __init__(self, module: str, setup: bytes) -> None:
        self._module, self._setup = module, setup
        self._begin()

    def child(self) -> DetectorChild:
        """Ask for a new detector; it sends its first message once the fork server has loaded the recognisers."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._socket, [_FORK], [theirs.fileno()])
            except OSError:  # the fork server is gone
                self.close()
                self._begin()
                socket.send_fds(self._socket, [_FORK], [theirs.fileno()])
        return DetectorChild(ours, self._end)

    def close(self) -> None:
        """End the fork server and every detector that it made."""
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _begin(self) -> None:
        """Start the process and send it its setup."""
        self._socket, theirs = socket.socketpair()
        # Secrets in the environment of the worker must not reach a process that reads hostile text.
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        # fork(2) copies the calling thread alone, so the server must not have others: OpenBLAS would start some.
        environment |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", self._module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # the traceback of a detector could hold a text
                env=environment,
            )
        self._socket.sendall(self._setup + b"\n")

    def _end(self, pid: int) -> None:
        """Ask the fork server to kill a detector: only its parent can rule out that the pid was reused."""
        with contextlib.suppress(OSError):  # without a fork server there is no detector either
            self._socket.sendall(b"%d\n" % pid)
