"""Disks that fill to the last byte and get room again: nothing is lost or counted twice, and all goes on by itself."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from amana.local import runtime
from amana.provisioning import cluster_setup
from amana.site import Site
from tests.support import disk, faults, feeding, flow

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(1800)]

WORKERS = {"deidentify": 0, "dedupe": 2, "aggregate": 2, "release": 1}
PER_SECOND = 500
EVENTS = PER_SECOND * 600
FULL_SECONDS = 45
MEBIBYTES = 1024
STAGES = ("dedupe", "aggregate")


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[dict[str, disk.Disk]]:
    """Mount a disk for the site, and on it one for its broker."""
    with contextlib.ExitStack() as stack:
        yield {
            "site": stack.enter_context(disk.mounted(tmp_path / "site", MEBIBYTES)),
            "broker": stack.enter_context(disk.mounted(tmp_path / "site" / "kafka", MEBIBYTES)),
        }


@pytest.fixture
def counting(tmp_path: Path, disks: dict[str, disk.Disk]) -> Iterator[Site]:
    """Run a system on them."""
    assert disks
    with runtime.running(tmp_path / "site", workers=WORKERS) as site:
        yield site


def test_a_full_disk_of_the_broker_changes_no_count(disks: dict[str, disk.Disk], counting: Site) -> None:
    """Nothing that it acknowledged is lost; the log says CFG-073 while it waits, and it goes on within a minute."""
    sent = flow.events(EVENTS, seed=47)
    with feeding.Feed(counting, sent, PER_SECOND) as feed:
        _wait_for(counting, 10_000)
        disks["broker"].keep_full(FULL_SECONDS)
        assert "CFG-073" in _said(counting)
        disks["broker"].give_room()
        back = _back(counting)
        feed.enough.set()
    print(f"\nbroker's disk full for {FULL_SECONDS} s: at work again {back:.1f} s after there was room")
    _check(counting, sent[: feed.acknowledged])


def test_a_full_disk_of_the_site_changes_no_count(disks: dict[str, disk.Disk], counting: Site) -> None:
    """Who runs counts on without a log; who is killed meanwhile starts again when there is room, and says CFG-073."""
    sent = flow.events(EVENTS, seed=48)
    with feeding.Feed(counting, sent, PER_SECOND) as feed:
        _wait_for(counting, 10_000)
        disks["site"].fill()
        for stage in STAGES:
            os.kill(faults.pid(counting, f"worker-{stage}-0"), signal.SIGKILL)
        disks["site"].keep_full(FULL_SECONDS)
        during = _back(counting)
        disks["site"].give_room()
        _wait_started_again(counting)
        back = _back(counting)
        feed.enough.set()
    print(f"\nsite's disk full for {FULL_SECONDS} s: at work meanwhile ({during:.1f} s), and {back:.1f} s after it")
    _check(counting, sent[: feed.acknowledged])


def test_full_disks_of_everything_change_no_count(disks: dict[str, disk.Disk], counting: Site) -> None:
    """As one disk for all of it: broker, registry and a worker of each stage end, and come back by themselves."""
    sent = flow.events(EVENTS, seed=49)
    with feeding.Feed(counting, sent, PER_SECOND) as feed:
        _wait_for(counting, 10_000)
        for one in disks.values():
            one.fill()
        for child in ("registry", "worker-dedupe-0", "worker-aggregate-0"):
            os.kill(faults.pid(counting, child), signal.SIGKILL)
        for one in [*disks.values()] * FULL_SECONDS:
            one.keep_full(0.5)
        for one in disks.values():
            one.give_room()
        back = _back(counting)
        feed.enough.set()
    print(f"\nall disks full for {FULL_SECONDS} s: at work again {back:.1f} s after there was room")
    _wait_started_again(counting)
    _check(counting, sent[: feed.acknowledged])


def _said(site: Site) -> str:
    return site.path("logs", "up.log").read_text(encoding="utf-8")


def _wait_started_again(site: Site) -> None:
    """Wait for the supervisor's words about both workers, and what they waited for."""
    deadline = time.monotonic() + faults.IDLE_SECONDS
    while _said(site).count(", waited: CFG-073") < len(STAGES):
        assert time.monotonic() < deadline, "the killed workers did not start again"
        time.sleep(0.2)


def _wait_for(site: Site, least: int) -> None:
    with faults.Group(site, "dedupe") as group:
        group.wait_for(least, 120)


def _back(site: Site) -> float:
    """Return the seconds until every partition of both stages gets on from where it stands now."""
    begun = time.monotonic()
    with cluster_setup.admin_of(site, seconds=faults.IDLE_SECONDS):
        pass  # the broker answers again: a client that came too early would wait for half a minute
    for stage in STAGES:
        with faults.Group(site, stage) as group:
            group.wait_past(group.committed(), faults.IDLE_SECONDS - (time.monotonic() - begun))
    return time.monotonic() - begun


def _check(site: Site, acknowledged: list[dict[str, object]]) -> None:
    faults.settled(site, 300)
    assert faults.lost(site, acknowledged) == 0
    assert faults.differences(site, acknowledged) == ({}, {})
