"""Three kill -9 of a worker in the middle of a flow of events change no count."""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from connectors.operations import exact_cells
from tests.support import faults, flow

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(900)]

WORKERS = {"deidentify": 0, "dedupe": 1, "aggregate": 1, "release": 0}
KILLS = ("dedupe", "aggregate", "dedupe")
PATIENCE_SECONDS = 300


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Site]:
    """Run a system of its own, whose supervisor starts again what is killed."""
    with runtime.running(tmp_path, workers=WORKERS) as site:
        yield site


@pytest.mark.parametrize("events", [40_000, pytest.param(200_000, marks=pytest.mark.long)])
def test_three_kills_change_no_count(counting: Site, events: int) -> None:
    """Difference 0, cell by cell, against a recount of the events that does not use the code under test."""
    sent = flow.events(events, seed=20)
    asyncio.run(flow.publish(counting, sent))
    _kill_in_the_middle(counting, events)
    faults.settled(counting, PATIENCE_SECONDS)

    counted = {
        cell: count
        for cell, count in exact_cells.read(counting.cluster("operator")).items()
        if cell.startswith("cases|profile|")
    }
    truth = flow.recount(sent)
    assert sum(truth.values()) > events // 10
    assert Counter(counted) - truth == truth - Counter(counted) == Counter()


def _kill_in_the_middle(site: Site, events: int) -> None:
    """Kill each time the stage has committed a further share of its input, at a moment drawn within it."""
    draw = random.Random(3)
    for number, stage in enumerate(KILLS, 1):
        with faults.Group(site, "dedupe") as group:
            group.wait_for(events * number // 5, PATIENCE_SECONDS)
        time.sleep(draw.uniform(0, 1.5))
        os.kill(int(_pid(site, stage)), signal.SIGKILL)


def _pid(site: Site, stage: str) -> str:
    return Path(site.path("run", f"worker-{stage}-0.pid")).read_text(encoding="ascii").strip()
