"""Three brokers killed while events flow and a release is asked for: two replicas suffice, with one all waits."""

import os
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from amana.local import runtime
from amana.site import Site
from tests.support import cluster, faults, feeding, flow, releasing

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(7200)]

WORKERS = {"deidentify": 0, "dedupe": 2, "aggregate": 2, "release": 1}
KILLS = int(os.environ.get("AMANA_CLUSTER_KILLS", "20"))
RELEASE_KILLS = 10
PER_SECOND = 200
PAIRS = 3
AWAY_SECONDS = 20
MOST_SECONDS_A_KILL = 90
STAGES = ("dedupe", "aggregate")


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[cluster.Cluster]:
    """Run three brokers."""
    with cluster.Cluster(tmp_path / "brokers") as three:
        yield three


@pytest.fixture
def counting(tmp_path: Path, brokers: cluster.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Run a system on them, with a registry of its own."""
    for name, value in brokers.environment.items():
        monkeypatch.setenv(name, value)
    with runtime.running(tmp_path / "site", workers=WORKERS) as site:
        yield site


def test_kills_of_three_brokers_in_turn_change_no_count(brokers: cluster.Cluster, counting: Site) -> None:
    """Difference 0, no event lost, no partition of either stage idle for a minute, every release served."""
    sent = flow.events(PER_SECOND * MOST_SECONDS_A_KILL * KILLS, seed=43)
    back: list[float] = []
    synced: list[float] = []
    absences: list[releasing.Away] = []
    with releasing.Releases(counting) as releases, feeding.Feed(counting, sent, PER_SECOND) as feed:
        for number in range(KILLS):
            killed = time.monotonic()
            back.append(_kill(counting, brokers, number % cluster.NODES))
            feed.hold()
            releases.ask()
            brokers.start(number % cluster.NODES)
            absences.append(releasing.Away(killed, time.monotonic()))
            synced.append(brokers.wait_in_sync())
            releases.wait()
            feed.go_on()
            assert not feed.ended
        feed.enough.set()
    print(f"\n{KILLS} kills in turn of three brokers, {feed.acknowledged} events, {feed.repeated} parts sent again")
    print(f"at work again: {_spread(back)}; in sync again after its start: {_spread(synced)}")
    releases.check(absences)
    faults.settled(counting, 300)
    assert faults.lost(counting, sent[: feed.acknowledged]) == 0
    assert faults.differences(counting, sent[: feed.acknowledged]) == ({}, {})


def test_every_release_is_served_while_three_brokers_die_in_turn(brokers: cluster.Cluster, counting: Site) -> None:
    """A release every 30 s, each is served; no count differs, no row is published twice."""
    releasing.check_while_brokers_die(brokers, counting, kills=RELEASE_KILLS)


def test_two_brokers_that_die_at_once_change_no_count(brokers: cluster.Cluster, counting: Site) -> None:
    """Nothing is acknowledged without a second replica; when there is one, everything goes on, releases too."""
    sent = flow.events(PER_SECOND * MOST_SECONDS_A_KILL * PAIRS, seed=44)
    back: list[float] = []
    absences: list[releasing.Away] = []
    with releasing.Releases(counting) as releases, feeding.Feed(counting, sent, PER_SECOND) as feed:
        for number in range(PAIRS):
            pair = (number % cluster.NODES, (number + 1) % cluster.NODES)
            before = _committed(counting)
            killed = time.monotonic()
            for one in pair:
                brokers.kill(one)
            time.sleep(1)
            stood = feed.acknowledged
            time.sleep(AWAY_SECONDS)
            assert feed.acknowledged == stood
            releases.ask()
            brokers.start(pair[0])
            back.append(_got_on(counting, before, time.monotonic()))
            feed.hold()
            brokers.start(pair[1])
            absences.append(releasing.Away(killed, time.monotonic()))
            brokers.wait_in_sync()
            releases.wait()
            feed.go_on()
            assert not feed.ended
        feed.enough.set()
    print(f"\n{PAIRS} pairs, {feed.acknowledged} events; at work again after the first is back: {_spread(back)}")
    releases.check(absences)
    faults.settled(counting, 300)
    assert faults.lost(counting, sent[: feed.acknowledged]) == 0
    assert faults.differences(counting, sent[: feed.acknowledged]) == ({}, {})


def test_topics_have_three_replicas_though_a_broker_was_away_when_they_were_made(
    brokers: cluster.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that starts then lacks nothing: what falls to the third broker is made up for when it is back."""
    for name, value in brokers.environment.items():
        monkeypatch.setenv(name, value)
    brokers.kill(2)
    with runtime.running(tmp_path / "site", workers=False):
        brokers.start(2)
        brokers.wait_in_sync()


def _kill(site: Site, brokers: cluster.Cluster, number: int) -> float:
    """Kill one broker and return the seconds until every partition of both stages has got on."""
    before, begun = _committed(site), time.monotonic()
    brokers.kill(number)
    return _got_on(site, before, begun)


Committed = Mapping[str, Mapping[faults.TopicPartition, int]]


def _committed(site: Site) -> Committed:
    before = {}
    for stage in STAGES:
        with faults.Group(site, stage) as group:
            before[stage] = group.committed()
    return before


def _got_on(site: Site, before: Committed, begun: float) -> float:
    """Wait until every partition of both stages has got on, a minute at most; return the seconds since `begun`."""
    for stage in STAGES:
        with faults.Group(site, stage) as group:
            group.wait_past(before[stage], faults.IDLE_SECONDS - (time.monotonic() - begun))
    return time.monotonic() - begun


def _spread(seconds: Sequence[float]) -> str:
    return f"median {statistics.median(seconds):.1f} s, {max(seconds):.1f} s at most"
