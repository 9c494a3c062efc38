"""Releases while brokers die and coordinators and leaders move: the stages count as settled again."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from amana.local import runtime
from amana.site import Site
from connectors.adapters import schema_ids
from connectors.adapters.release_bus import KafkaBus, Schemas
from schemas.errors import TransportError
from tests.support import cluster, releasing

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.timeout(400)]

WORKERS = {"deidentify": 0, "dedupe": 1, "aggregate": 1, "release": 1}
MOST_SECONDS = 60.0


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cluster.Cluster]:
    """Run three brokers."""
    with cluster.Cluster(tmp_path_factory.mktemp("brokers")) as three:
        yield three


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, brokers: cluster.Cluster) -> Iterator[Site]:
    """Run the counting stages and the release process on them."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in brokers.environment.items():
            environment.setenv(name, value)
        with runtime.running(tmp_path_factory.mktemp("site"), workers=WORKERS) as running:
            yield running


@pytest.mark.long
def test_every_release_is_served_while_two_brokers_die_in_turn(brokers: cluster.Cluster, site: Site) -> None:
    """A release every 30 s, each is served; no count differs, no row is published twice. Prints the seconds."""
    releasing.check_while_brokers_die(brokers, site, kills=2)


@pytest.fixture
def bus(site: Site, brokers: cluster.Cluster) -> Iterator[KafkaBus]:
    """Open the release process's connections on healthy brokers, and have asked once."""
    brokers.wait_in_sync()
    bus = _bus(site)
    bus.start(audit=0, calendar=0)
    _settled(bus)
    yield bus
    bus.close()


def test_settled_again_while_the_coordinator_of_a_group_stays_dead(bus: KafkaBus, brokers: cluster.Cluster) -> None:
    """Another broker coordinates the group; the release process must find it."""
    number = brokers.coordinator_of("dedupe")
    brokers.kill(number)
    try:
        taken = _settled(bus)
        print(f"\nsettled {taken:.1f} s after the coordinator's death")
    finally:
        brokers.start(number)
        brokers.wait_in_sync()


def test_settled_again_while_the_coordinator_of_a_group_is_frozen(bus: KafkaBus, brokers: cluster.Cluster) -> None:
    """It takes connections and answers nothing; the others have another coordinator as soon as they miss it."""
    number = brokers.coordinator_of("dedupe")
    brokers.freeze(number)
    try:
        taken = _settled(bus)
    finally:
        brokers.thaw(number)
    print(f"\nsettled {taken:.1f} s after the coordinator froze")
    brokers.wait_in_sync()
    taken = _settled(bus)
    print(f"settled {taken:.1f} s after it was back in sync")


def test_settled_again_after_the_coordinator_moved_back(site: Site, brokers: cluster.Cluster) -> None:
    """All brokers are healthy; only the connections are older than the last move."""
    brokers.wait_in_sync()
    brokers.elect_preferred()
    number = brokers.coordinator_of("dedupe")
    brokers.kill(number)
    bus = _bus(site)
    try:
        with contextlib.closing(bus):
            bus.start(audit=0, calendar=0)
            _settled(bus)
            brokers.start(number)
            brokers.wait_in_sync()
            brokers.elect_preferred()
            _coordinated_by(brokers, number)
            taken = _settled(bus)
            print(f"\nsettled {taken:.1f} s after the coordinator moved back")
    finally:
        brokers.wait_in_sync()


def test_settled_again_after_leaders_moved(bus: KafkaBus, brokers: cluster.Cluster) -> None:
    """The broker that led is back and follows now; whoever asks it is told so, and must ask the new leader."""
    brokers.kill(0)
    time.sleep(releasing.AWAY_SECONDS)
    brokers.start(0)
    brokers.wait_in_sync()
    taken = _settled(bus)
    print(f"\nsettled {taken:.1f} s after the leaders moved")
    brokers.elect_preferred()
    taken = _settled(bus)
    print(f"settled {taken:.1f} s after they moved back")


def _coordinated_by(brokers: cluster.Cluster, number: int) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while brokers.coordinator_of("dedupe") != number:
        assert time.monotonic() < deadline, "the coordinator did not move back"
        time.sleep(0.5)


def _bus(site: Site) -> KafkaBus:
    schemas = schema_ids.allow_list(site.schema_ids, ["audit", "ledger", "trend"])
    cluster = site.cluster("worker.release")
    allowed = Schemas(schemas.current, schemas.readable)
    return KafkaBus(cluster.kafka_settings(), allowed, cluster.seal, site.agencies)


def _settled(bus: KafkaBus) -> float:
    """Ask as the release process does until every stage has caught up; return the seconds it took."""
    begun = time.monotonic()
    while True:
        with contextlib.suppress(TransportError):
            bus.decisions()
            if bus.settled_ends() is not None:
                return time.monotonic() - begun
        assert time.monotonic() - begun < MOST_SECONDS, "the stages never count as settled again"
        time.sleep(0.5)
