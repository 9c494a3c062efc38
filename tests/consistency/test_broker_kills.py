"""The one broker killed while events flow and a release is asked for: nothing is lost, workers go on by themselves."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from tests.support import faults, feeding, flow, releasing

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(3600)]

WORKERS = {"deidentify": 0, "dedupe": 2, "aggregate": 2, "release": 1}
KILLS = int(os.environ.get("AMANA_BROKER_KILLS", "5"))
PER_SECOND = 500
PACE_SECONDS = 40


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Site]:
    """Run a system of its own, whose supervisor starts the broker again."""
    with runtime.running(tmp_path, workers=WORKERS) as site:
        yield site


def test_kills_of_the_one_broker_change_no_count(counting: Site) -> None:
    """Difference 0 after kill -9 of the broker; both stages at work again within a minute, every release served."""
    sent = flow.events(PER_SECOND * PACE_SECONDS * KILLS, seed=41)
    back: list[float] = []
    absences: list[releasing.Away] = []
    with releasing.Releases(counting) as releases, feeding.Feed(counting, sent, PER_SECOND) as feed:
        for number in range(KILLS):
            with faults.Group(counting, "dedupe") as dedupe, faults.Group(counting, "aggregate") as aggregate:
                dedupe.wait_for(len(sent) * (2 * number + 1) // (2 * KILLS + 2), 300)
                before = {group: group.committed() for group in (dedupe, aggregate)}
            begun = time.monotonic()
            os.kill(faults.pid(counting, "broker"), signal.SIGKILL)
            releases.ask()
            back.append(_back(counting, {"dedupe": before[dedupe], "aggregate": before[aggregate]}, begun))
            absences.append(releasing.Away(begun, time.monotonic()))
            feed.hold()
            releases.wait()
            feed.go_on()
        print(f"\n{KILLS} kills of the broker: at work again after {back} s; {feed.repeated} parts sent again")
    releases.check(absences)
    faults.settled(counting, 300)
    assert faults.differences(counting, sent) == ({}, {})


def _back(site: Site, before: dict[str, dict[faults.TopicPartition, int]], begun: float) -> float:
    time.sleep(5)  # the broker is started again
    for stage, at in before.items():
        with faults.Group(site, stage) as group:
            group.wait_past(at)
    return round(time.monotonic() - begun, 1)
