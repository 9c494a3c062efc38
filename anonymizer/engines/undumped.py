"""A process whose memory stays in it: no core dump, as a file or to a crash reporter, and no debugger of its user's.

Decides that for the calling process alone, not for programs that it starts: each says so for itself.

- A limit of 0 keeps core files away, but the kernel hands a dump to a program (`|` in `core_pattern`) whatever the
  limit is, unless the process is not dumpable.

Source: core(5), prctl(2) on PR_SET_DUMPABLE.
"""

import ctypes
import sys
from typing import Final

__all__ = ["forbid"]

_PR_SET_DUMPABLE: Final = 4


def forbid() -> None:
    """Keep what this process holds in clear out of every dump of it; Windows writes none unless it is told to."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - POSIX alone has it

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)
