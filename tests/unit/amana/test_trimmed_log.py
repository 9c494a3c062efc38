"""A process that writes for ever does not fill the disk with its log."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import server_process

TALKS = """
import itertools, time
for n in itertools.count(1):
    print(f"line {n:08}", flush=True)
    if n % 100 == 0:
        time.sleep(0.001)
"""


@pytest.fixture
def talking(tmp_path: Path) -> Iterator[server_process.ServerProcess]:
    for folder in ("logs", "run"):
        (tmp_path / folder).mkdir()
    child = server_process.ServerProcess("talking", [sys.executable, "-c", TALKS], tmp_path)
    child.start()
    yield child
    child.end(time.monotonic())


def _wait_for(child: server_process.ServerProcess, size: int) -> None:
    deadline = time.monotonic() + 30
    while child.log.stat().st_size < size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_log_is_emptied_and_what_follows_is_whole(talking: server_process.ServerProcess) -> None:
    """What was there lies beside it; what comes then begins at the beginning, with no hole before it."""
    _wait_for(talking, 50_000)
    talking.trim(50_000)
    _wait_for(talking, 5_000)
    assert talking.log.stat().st_size < talking.log.with_suffix(".log.1").stat().st_size + 50_000
    assert b"\0" not in talking.log.read_bytes()
    assert talking.log.with_suffix(".log.1").read_bytes().startswith(b"line 00000001\n")
    assert b"line 00000001\n" not in talking.log.read_bytes()


def test_a_log_that_is_small_is_left_alone(talking: server_process.ServerProcess) -> None:
    _wait_for(talking, 1_000)
    talking.trim(1 << 30)
    assert talking.log.read_bytes().startswith(b"line 00000001\n")
    assert not talking.log.with_suffix(".log.1").exists()


def test_a_log_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    server_process.ServerProcess("silent", [], tmp_path).trim(0)
