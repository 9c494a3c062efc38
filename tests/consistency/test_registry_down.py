"""The registry away, while workers run and while one starts: counting goes on."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from tests.support import faults, flow

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(300)]

THIRD = 6_000


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Site]:
    """Run a system of its own."""
    with runtime.running(tmp_path, workers={"deidentify": 0, "dedupe": 1, "aggregate": 1, "release": 0}) as site:
        yield site


def test_a_registry_that_is_away_stops_nothing(counting: Site) -> None:
    """Workers that run need it no more, and one that was killed starts without it."""
    sent = flow.events(3 * THIRD, seed=61)
    with faults.Group(counting, "dedupe") as dedupe:
        asyncio.run(flow.publish(counting, sent[:THIRD]))
        dedupe.wait_for(THIRD, 60)
        faults.freeze(faults.pid(counting, "registry"))
        asyncio.run(flow.publish(counting, sent[THIRD : 2 * THIRD]))
        dedupe.wait_for(2 * THIRD, 60)
        os.kill(faults.pid(counting, "worker-dedupe-0"), signal.SIGKILL)
        asyncio.run(flow.publish(counting, sent[2 * THIRD :]))
        dedupe.wait_for(3 * THIRD, 90)
    faults.settled(counting, 120)
    assert faults.differences(counting, sent) == ({}, {})
    faults.thaw(faults.pid(counting, "registry"))
