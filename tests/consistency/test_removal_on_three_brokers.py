"""The removal of erased records on three brokers, of which one is slow to compact its replicas: it waits for each."""

from collections.abc import Iterator
from pathlib import Path

import kafka
import pytest
from kafka.admin import ConfigResource

from amana.local import runtime
from amana.provisioning import cluster_setup
from amana.site import Site
from connectors.operations.removal import Pace, Removal
from tests.support import cluster

pytestmark = [pytest.mark.broker, pytest.mark.long, pytest.mark.timeout(900)]

TOPIC = "deidentified.case"
FAST = Pace(idle_ms=3_000, tombstone_ms=100, segment_ms=500, patience=300, pause=2)
ERASED, STAYS = b"erased person", b"another person"
SLOW_NODE, SLOW_MS = 3, 20_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "brokers"


@pytest.fixture
def site(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Run a site without stages on three brokers."""
    with cluster.Cluster(home) as three:
        for name, value in three.environment.items():
            monkeypatch.setenv(name, value)
        with runtime.running(tmp_path / "site", workers=False) as site:
            three.wait_in_sync()
            yield site


def nodes_with(home: Path, value: bytes) -> set[str]:
    """Return the nodes that have a value on their disks."""
    files = [path for path in home.rglob("*.log*") if path.parent.name.startswith(TOPIC) and path.is_file()]
    return {path.relative_to(home).parts[0] for path in files if value in path.read_bytes()}


def test_no_broker_has_an_erased_record_at_the_end(home: Path, site: Site) -> None:
    """And all three have the other one; the partition has the order of its replicas as before."""
    settings = site.cluster("admin").kafka_settings()
    with cluster_setup.admin_of(site) as admin:
        admin.alter_configs(
            [ConfigResource("BROKER", str(SLOW_NODE), configs={"log.cleaner.backoff.ms": str(SLOW_MS)})]
        )
        # Where the slow node leads, its replica would be read without a change of leaders.
        (topic,) = admin.describe_topics([TOPIC])
        led_by_others = [one["partition_index"] for one in topic["partitions"] if one["leader_id"] != SLOW_NODE]
        producer = kafka.KafkaProducer(**settings, acks="all")
        for partition in led_by_others:
            for key, value in ((b"1", ERASED), (b"2", STAYS), (b"1", None)):
                producer.send(TOPIC, key=key, value=value, partition=partition)
        producer.close(timeout=30)
        before = replicas(admin)
        assert nodes_with(home, ERASED) == nodes_with(home, STAYS) == {"node-1", "node-2", "node-3"}
        listed = next(topic for topic in cluster_setup.topic_table(site) if topic.name == TOPIC)
        Removal(admin, settings, FAST).remove([], [listed])
        assert nodes_with(home, ERASED) == set()
        assert nodes_with(home, STAYS) == {"node-1", "node-2", "node-3"}
        assert replicas(admin) == before


def replicas(admin: kafka.KafkaAdminClient) -> dict[int, list[int]]:
    """Return the replicas of each partition of the topic, the preferred leader first."""
    (topic,) = admin.describe_topics([TOPIC])
    return {one["partition_index"]: one["replica_nodes"] for one in topic["partitions"]}
