"""Core dumps and ptrace, disabled for the calling process (RLIMIT_CORE, PR_SET_DUMPABLE).

A process that these start is not covered: each calls `forbid` for itself.

Called by: `amana.__main__` at the start of every command, and `detector_process`, once it is forked.

Invariants:
- Nothing is done on Windows, which writes no dump unless it is configured to.

Source: core(5); prctl(2), PR_SET_DUMPABLE.
"""

import ctypes
import sys
from typing import Final

__all__ = ["forbid"]

_PR_SET_DUMPABLE: Final = 4  # option number of prctl(2), from <linux/prctl.h>


def forbid() -> None:
    """Keep the memory of this process, with its keys and clear texts, out of every core dump and debugger.

    Windows writes no dump unless it is configured to, so nothing is done there.
    """
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - POSIX alone has it

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # The limit alone is not enough: if core_pattern begins with `|`, the kernel pipes the dump to a crash reporter
        # whatever the limit is, unless the process is not dumpable. This also refuses ptrace to the same user.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)
