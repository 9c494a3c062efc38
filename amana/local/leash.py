"""Start a program that cannot outlive its parent: `leash.py PARENT_PID PROGRAM ARGUMENT…`.

Decides what a child of the supervisor may leave behind: nothing, neither itself after the parent's death by whatever
signal, nor a core dump, nor a file that others can read. Does not restart anything. It is run by its path on a bare
interpreter, so it imports the standard library alone.

- On Linux the kernel kills the program with its parent (`PR_SET_PDEATHSIG`), and this process becomes the program.
- Elsewhere this process stays, holds the reading end of a pipe of the parent's, and kills the program at its end.

Source: prctl(2); the signal is tied to the thread that forked, so the supervisor starts children from its main thread.
"""

import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Sequence

__all__: list[str] = []

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.2


def main(arguments: Sequence[str]) -> int:
    """Become, or watch over, the program; return its exit status where it is watched."""
    parent, command = int(arguments[0]), list(arguments[1:])
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return _become(parent, command) if sys.platform == "linux" else _watch(command)


def _become(parent: int, command: list[str]) -> int:
    """Turn into the program, tied to the parent's life by the kernel; return only if the parent is dead already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:  # else it died before the kernel was told
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(command[0], command)  # noqa: S606 - the supervisor's own command, no shell
    return 1


def _watch(command: Sequence[str]) -> int:
    """Run the program until it ends, the parent's end of the pipe closes, or a signal asks it to stop."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - as above
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while child.poll() is None:
        if select.select([0], [], [], _POLL_SECONDS)[0] and not os.read(0, 1):
            child.kill()
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
