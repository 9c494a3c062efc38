"""Workers frozen until others have their partitions, then let go on: what they still write changes no count.

A frozen worker holds a batch that it has read and not finished. Twice the session's time later its partitions have
another owner, which has counted that batch; the zombie then sends, writes and commits as if nothing had been.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from streams.runtime.app import SESSION_SECONDS
from tests.support import faults, feeding, flow

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(1800)]

WORKERS = {"deidentify": 0, "dedupe": 2, "aggregate": 2, "release": 0}
PER_SECOND = 1_500
FROZEN_SECONDS = 2 * SESSION_SECONDS
ROUND_SECONDS = FROZEN_SECONDS + 4


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Site]:
    """Run a system of its own, two workers of each counting stage."""
    with runtime.running(tmp_path, workers=WORKERS) as site:
        yield site


def test_two_zombies_change_no_count(counting: Site) -> None:
    """One of each stage, frozen together."""
    _haunt(counting, rounds=1, seed=1)


def test_twenty_zombies_change_no_count(counting: Site) -> None:
    """Ten rounds of one of each stage, at moments and of workers drawn by a seed."""
    _haunt(counting, rounds=10, seed=2)


def _haunt(site: Site, rounds: int, seed: int) -> None:
    draw = random.Random(seed)
    sent = flow.events(int(PER_SECOND * (rounds * ROUND_SECONDS)), seed=seed)
    taken: list[float] = []
    with (
        feeding.Feed(site, sent, PER_SECOND),
        faults.Group(site, "dedupe") as dedupe,
        faults.Group(site, "aggregate") as aggregate,
    ):
        for _ in range(rounds):
            for group in (dedupe, aggregate):
                group.wait_past(group.committed())
            time.sleep(draw.uniform(0, 1.5))
            taken += _freeze_two(site, (dedupe, aggregate), draw)
    faults.settled(site, 300)
    assert faults.differences(site, sent) == ({}, {})
    print(f"\n{2 * rounds} zombies: others had their partitions after {[round(one, 1) for one in taken]} s")


def _freeze_two(site: Site, groups: tuple[faults.Group, faults.Group], draw: random.Random) -> list[float]:
    """Freeze a worker of each stage, see its partitions go on without it, and let it go on itself."""
    frozen = [faults.pid(site, f"worker-{stage}-{draw.randrange(2)}") for stage in ("dedupe", "aggregate")]
    begun = time.monotonic()
    for process in frozen:
        faults.freeze(process)
    try:
        time.sleep(1)  # what the broker had before is committed
        before = [group.committed() for group in groups]
        for group, at in zip(groups, before, strict=True):
            group.wait_past(at)
        taken = time.monotonic() - begun
        time.sleep(max(0.0, FROZEN_SECONDS - taken))
    finally:
        for process in frozen:
            faults.thaw(process)
    return [taken]
