"""Faults while a worker restores its state: rebalances in the middle of it, and the broker compacting what is read.

The state is made large with cells in which no event counts, so that a restore takes seconds. A worker says in its log
when it has restored; what is done before it does so is done in the middle.
"""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime, server_process
from amana.site import Site
from connectors.adapters import schema_ids
from tests.support import ballast, faults, feeding, flow

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(1800)]

BALLAST = 1_000_000
ROUNDS = 5
PER_SECOND = 300
WORKERS = {"deidentify": 0, "dedupe": 1, "aggregate": 2, "release": 0}


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Site]:
    """Run a system of its own whose aggregate has a large state."""
    with runtime.running(tmp_path, workers=False) as site:
        asyncio.run(ballast.send(site, ballast.cells(_schema(site), 0, BALLAST)))
    with runtime.running(tmp_path, workers=WORKERS) as site:
        yield site


def _schema(site: Site) -> int:
    return schema_ids.allow_list(site.schema_ids, ["cell"]).id_of("cell")


def test_rebalances_in_the_middle_of_recovery_change_no_count(counting: Site) -> None:
    """Five times a worker is killed, and while its successor restores, the other is killed or a third comes or goes."""
    idle: list[float] = []
    third: list[server_process.ServerProcess] = []
    sent = flow.events(PER_SECOND * 120, seed=71)
    try:
        with feeding.Feed(counting, sent, PER_SECOND), faults.Group(counting, "aggregate") as group:
            group.wait_past(group.committed(), 120)
            for number in range(ROUNDS):
                restored, _ = _kill_and_wait_for_the_next(counting, number % 2)
                begun = time.monotonic()
                _disturb(counting, number, third)
                assert _restored(counting, number % 2) == restored, "it had restored before it was disturbed"
                group.wait_past(group.committed())
                idle.append(time.monotonic() - begun)
        faults.settled(counting, 300)
        assert faults.differences(counting, sent) == ({}, {})
    finally:
        server_process.stop_all(third, seconds=5)
    print(f"\n{ROUNDS} rebalances in the middle of recovery: at work again after {[round(one, 1) for one in idle]} s")


def _kill_and_wait_for_the_next(site: Site, index: int) -> tuple[int, frozenset[int]]:
    """Kill a worker; return as soon as its successor has partitions.

    Returns:
        How often a restore was ended before, and the successor's partitions.
    """
    restored, known = _restored(site, index), set(ballast.members(site, "aggregate"))
    os.kill(faults.pid(site, f"worker-aggregate-{index}"), signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        for one, partitions in ballast.members(site, "aggregate").items():
            if one not in known and partitions:
                return restored, partitions
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _disturb(site: Site, number: int, third: list[server_process.ServerProcess]) -> None:
    if number % 2 == 0:
        os.kill(faults.pid(site, f"worker-aggregate-{1 - number % 2}"), signal.SIGKILL)
    elif third:
        third[0].signal(signal.SIGKILL)
        third.pop().end(time.monotonic() + 5)
    else:
        third.append(server_process.worker(site.dir, "aggregate", 2))
        third[0].start()


def _restored(site: Site, index: int) -> int:
    """Return how often a worker has said that it has its state."""
    return site.path("logs", f"worker-aggregate-{index}.log").read_text(encoding="utf-8").count('"event": "restored"')


def test_compaction_of_what_is_being_restored_changes_no_count(counting: Site) -> None:
    """In three rounds at least the broker compacts just those partitions that a killed worker's successor restores."""
    ballast.compact_at_once(counting)
    sent = flow.events(PER_SECOND * 180, seed=72)
    over = threading.Event()
    writer = threading.Thread(target=_rewrite, args=(counting, over), daemon=True)
    during: list[int] = []
    with feeding.Feed(counting, sent, PER_SECOND), faults.Group(counting, "aggregate") as group:
        writer.start()
        group.wait_past(group.committed(), 120)
        for number in range(3 * ROUNDS):
            during.append(_compacted_while_restoring(counting, number % 2))
            group.wait_past(group.committed())
            if sum(map(bool, during)) >= ROUNDS:
                break
        over.set()
        writer.join()
    faults.settled(counting, 300)
    assert faults.differences(counting, sent) == ({}, {})
    assert sum(map(bool, during)) >= 3, during
    print(f"\noffsets compacted while a worker restored, by round: {during}; {ballast.compacted(counting)}")


def _rewrite(site: Site, over: threading.Event) -> None:
    """Write the same cells again and again, as incarnations of long ago, so that there is always what to compact."""
    schema, first = _schema(site), 0
    while not over.is_set():
        asyncio.run(ballast.send(site, ballast.cells(schema, first, first + 20_000)))
        first = (first + 20_000) % BALLAST
        time.sleep(0.5)


def _compacted_while_restoring(site: Site, index: int) -> int:
    """Kill a worker; return by how many offsets its partitions' compaction moved on while its successor restored."""
    restored, partitions = _kill_and_wait_for_the_next(site, index)
    before, deadline = ballast.compacted(site), time.monotonic() + 60
    while _restored(site, index) <= restored:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    after = ballast.compacted(site)
    return sum(after[n][0] - before[n][0] for n in partitions if after[n][1] != before[n][1])
