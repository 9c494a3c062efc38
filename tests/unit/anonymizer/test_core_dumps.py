"""A process that holds clear texts leaves no core dump."""

import subprocess
import sys

import pytest

_PROGRAM = """
import ctypes, os, resource, signal
from anonymizer.sandbox import core_dumps
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
core_dumps.forbid()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3), flush=True)
os.kill(os.getpid(), signal.SIGSEGV)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_neither_a_core_file_nor_a_dump_to_a_crash_reporter() -> None:
    """The limit is 0, and the kernel says that the process is not dumpable (PR_GET_DUMPABLE)."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (-11, "(0, 0) 0")
