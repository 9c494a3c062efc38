"""A disk that takes no more, seen by one process: `/dev/full` refuses every byte, as a full disk does."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from amana.local import disk_space, server_process
from streams.runtime import stage

_ENDS = """
import asyncio
from streams.runtime import stage
async def handler(batch, state): raise ValueError
try:
    asyncio.run(stage.run(handler, [stage.Record("t", 0, 0, b"", b"")], None, None))
finally:
    print("acknowledged")
"""
_SAYS = """
import logging, structlog
from streams.runtime import log_lines
log_lines.configure()
structlog.get_logger().info("started", worker="dedupe")
logging.getLogger("mode").warning("slow")
print("went on")
"""


def _run(program: str) -> tuple[int, str]:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=full, text=True, check=False, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_stage_that_cannot_say_its_fault_ends_all_the_same() -> None:
    """An exception in its place would let the batch be acknowledged that it could not finish."""
    assert _run(_ENDS) == (stage.EXIT_STATUS, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_worker_that_cannot_log_goes_on() -> None:
    """Its own lines and the libraries' are lost, and nothing else is."""
    status, said = _run(_SAYS)
    assert said == "went on\n"
    assert status in (0, 120)  # 120: Python says at the end that a stream could not be flushed


def test_a_child_without_a_pid_file_does_not_run(tmp_path: Path) -> None:
    """Nobody could end it by its number; the caller is told, and may try again."""
    (tmp_path / "logs").mkdir()
    child = server_process.ServerProcess("lost", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path)
    with pytest.raises(OSError, match=r"lost\.pid"):
        child.start()
    assert child.exit_status() is not None
    (tmp_path / "run").mkdir()
    child.start()
    assert child.exit_status() is None
    child.end(time.monotonic())


def test_room_is_asked_of_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    """A data directory that is still to be made, too; the fault names the folder and the amount."""
    assert disk_space.lacking(tmp_path / "not" / "yet", 1) is None
    fault = disk_space.lacking(tmp_path / "not" / "yet", 1 << 40)
    assert fault is not None
    assert fault.code == "CFG-073"
