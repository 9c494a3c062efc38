"""A launcher that ties a program's life to its parent: `leash.py PARENT_PID PROGRAM ARGUMENT...`.

Purpose: a child of the supervisor ends with the supervisor, whatever signal ends it, and leaves no core dump and no
file that others can read. POSIX only.
Called by: nobody imports it: `amana.local.server_process` starts it by path and on a bare interpreter (`-I -S`), so it
imports the standard library alone.

Invariants:
- On Linux the kernel kills the program with its parent (`PR_SET_PDEATHSIG`), and this process becomes the program.
- On other systems this process stays as the program's parent, holds the reading end of a pipe from the supervisor, and
  kills the program when that pipe closes.

Source: prctl(2). The signal is tied to the thread that forked: see `amana.local.server_process`.
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
    """Become the program (Linux), or run and watch it and return its exit status (other systems)."""
    parent, command = int(arguments[0]), list(arguments[1:])
    os.umask(0o077)  # files of the servers hold records and keys
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return _watch(command)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:  # otherwise the parent died before the kernel knew of the tie, and no signal would come
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
