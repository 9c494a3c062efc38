"""Workers that come and go while events flow: no count changes, and no partition stands still for a minute."""

import itertools
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime, server_process
from amana.site import Site
from tests.support import faults, feeding, flow

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(3600)]

PER_SECOND = 1_000
CHANGE_SECONDS = 20
STAGES = ("dedupe", "aggregate")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Site]:
    """Run a system of its own without workers: the test starts and stops them as an operator does."""
    with runtime.running(tmp_path, workers=False) as site:
        yield site


@pytest.mark.parametrize("sizes", [(1, 2, 3, 1), tuple(random.Random(4).choices((1, 2, 3), k=31))], ids=["4", "30"])
def test_workers_that_come_and_go_change_no_count(servers: Site, sizes: tuple[int, ...]) -> None:
    """Difference 0 after the sizes given, one after the other."""
    sent = flow.events(PER_SECOND * CHANGE_SECONDS * len(sizes) // 2, seed=len(sizes))
    running: dict[str, list[server_process.ServerProcess]] = {stage: [] for stage in STAGES}
    idle: list[float] = []
    try:
        with feeding.Feed(servers, sent, PER_SECOND // 2):
            for stage, size in itertools.chain.from_iterable(((s, n) for s in STAGES) for n in sizes):
                _resize(servers, stage, running[stage], size)
                with faults.Group(servers, stage) as group:
                    idle.append(group.wait_past(group.committed()))
                time.sleep(1)
        faults.settled(servers, 300)
        assert faults.differences(servers, sent) == ({}, {})
    finally:
        server_process.stop_all(itertools.chain.from_iterable(running.values()), seconds=5)
    print(f"\n{2 * (len(sizes) - 1)} changes: every partition went on after {max(idle[2:]):.1f} s at most")


def _resize(site: Site, stage: str, running: list[server_process.ServerProcess], size: int) -> None:
    while len(running) > size:
        gone = running.pop()
        gone.signal(signal.SIGTERM)
        gone.end(time.monotonic() + 5)
    while len(running) < size:
        child = server_process.worker(site.dir, stage, len(running))
        child.start()
        running.append(child)
