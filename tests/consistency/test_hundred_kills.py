"""A hundred kill -9 over a million events, paced over all the kills, change no count.

Two workers of each counting stage; four partitions of de-identified events and four of deltas.
"""

import os
import signal
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from tests.support import faults, feeding, flow

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(7200)]

WORKERS = {"deidentify": 0, "dedupe": 2, "aggregate": 2, "release": 0}
EVENTS = int(os.environ.get("AMANA_KILL_EVENTS", "1000000"))
KILLS = int(os.environ.get("AMANA_KILLS", "100"))
PER_SECOND = 2_000
"""At most: the feed waits for the kills."""

BACK_SECONDS = 10.0


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Site]:
    """Run a system of its own, whose supervisor starts again what is killed."""
    with runtime.running(tmp_path, workers=WORKERS) as site:
        yield site


def test_a_hundred_kills_change_no_count(counting: Site) -> None:
    """Difference 0; every partition of the stage at work again within ten seconds, the median.

    Half of a kill's share of events comes before it, nearly all of it read, and half while it is recovered from.
    """
    sent = flow.events(EVENTS, seed=100)
    back: list[float] = []
    groups = {stage: faults.Group(counting, stage) for stage in ("dedupe", "aggregate")}
    with feeding.Feed(counting, sent, PER_SECOND) as feed, groups["dedupe"], groups["aggregate"]:
        for number in range(KILLS):
            stage, index = (("dedupe", 0), ("aggregate", 0), ("dedupe", 1), ("aggregate", 1))[number % 4]
            feed.limit = EVENTS * (2 * number + 1) // (2 * KILLS)
            groups["dedupe"].wait_for(feed.limit - EVENTS // (10 * KILLS), 600)
            os.kill(faults.pid(counting, f"worker-{stage}-{index}"), signal.SIGKILL)
            before = groups[stage].committed()
            feed.limit = EVENTS * (number + 1) // KILLS
            back.append(groups[stage].wait_past(before))
    faults.settled(counting, 600)
    assert faults.differences(counting, sent) == ({}, {})
    print(f"\n{KILLS} kills, {EVENTS} events: back at work {statistics.median(back):.1f} s, {max(back):.1f} s at most")
    assert statistics.median(back) <= BACK_SECONDS
