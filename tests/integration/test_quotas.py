"""An outsider's share of the broker: in force for each of them, and a flood of one holds up nobody else."""

import dataclasses
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pytest
from kafka.admin import KafkaAdminClient
from kafka.net.connection import KafkaConnection
from kafka.protocol.admin import AlterClientQuotasRequest
from kafka.protocol.producer import ProduceRequest
from kafka.record.memory_records import MemoryRecordsBuilder

from amana.provisioning import cluster_quotas as local
from amana.provisioning import cluster_setup, inspection
from amana.publisher import Publisher
from amana.site import Site
from schemas.errors import IntegrityError
from streams.broker import access, quotas

pytestmark = pytest.mark.broker

FLOODS, PUBLISHES = "hotline-egy", "police-jor"
# The highest version that names topics instead of numbering them.
PRODUCE_VERSION = 12
Published = tuple[float, int]
"""How long a request took, in seconds, and for how long the broker says that it holds the client back, in ms."""


@pytest.fixture
def topics(site: Site) -> Iterator[dict[str, str]]:
    """Make a topic for each of the two, which no stage and no other test reads."""
    names = {agency: f"raw.{agency}.flood" for agency in (FLOODS, PUBLISHES)}
    with cluster_setup.admin_of(site) as admin:
        one = {"num_partitions": 1, "replication_factor": 1}
        admin.create_topics(dict.fromkeys(names.values(), one), wait_for_metadata=True)
        yield names
        admin.delete_topics(list(names.values()))


@pytest.fixture
def tight(site: Site) -> Iterator[Site]:
    """Give the site the smallest quotas that an operator may choose, for a while."""
    # Without its least share of the disk, which other tests of this session have used up already.
    least = {name: figure for name, figure in quotas.LEAST.items() if name != "disk_bytes"}
    chosen = dataclasses.replace(site, quota=quotas.Quota.of(least))
    with cluster_setup.admin_of(site) as admin:
        local.set_right(chosen, admin)
        _wait_until_known(chosen, admin, 0)
        yield chosen
        local.set_right(site, admin)


def _publish(client: KafkaAdminClient, topic: str, size: int) -> Published:
    made = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=size)
    made.append(timestamp=None, key=b"key", value=bytes(size))
    made.close()
    part = ProduceRequest.TopicProduceData.PartitionProduceData(index=0, records=made.buffer())
    data = [ProduceRequest.TopicProduceData(name=topic, partition_data=[part])]
    begun = time.monotonic()
    answer = client._manager.run(
        client._manager.send, ProduceRequest(acks=1, timeout_ms=5000, topic_data=data, max_version=PRODUCE_VERSION)
    )
    assert answer.responses[0].partition_responses[0].error_code == 0
    return time.monotonic() - begun, answer.throttle_time_ms


def _heedless(connection: object, answer: object) -> None:
    """Go on at once, as a client does that does not care for what the broker asks it."""


def _flood(client: KafkaAdminClient, topic: str, enough_ms: int) -> list[Published]:
    """Publish more than the quota allows until the broker holds the client back for `enough_ms`."""
    done: list[Published] = []
    deadline = time.monotonic() + 20
    while not done or done[-1][1] < enough_ms:
        assert time.monotonic() < deadline, "nobody is held back"
        done.append(_publish(client, topic, 300_000))
    return done


def test_every_outsider_has_the_quota_of_the_table_and_nobody_else_has_any(site: Site) -> None:
    """As read back from the broker, for each agency and the analysts."""
    with cluster_setup.admin_of(site) as admin:
        there = {dict(entity)["user"]: figures for entity, figures in local.actual_quotas(site, admin).items()}
    assert there == dict.fromkeys([*map(access.agency_principal, site.agencies), "analysts"], site.quota.figures())
    assert not {f"worker.{name}" for name in access.WORKERS} & set(there)


def test_an_agency_that_floods_is_held_back_and_another_is_not(
    tight: Site, topics: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the broker, whatever the client does; the other's requests go through while the flood waits."""
    monkeypatch.setattr(KafkaConnection, "_maybe_throttle", _heedless)
    with (
        cluster_setup.admin_of(tight, f"agency.{FLOODS}") as flooding,
        cluster_setup.admin_of(tight, f"agency.{PUBLISHES}") as publishing,
        ThreadPoolExecutor(1) as thread,
    ):
        alone = [_publish(publishing, topics[PUBLISHES], 1_000) for _ in range(40)]
        flood = _flood(flooding, topics[FLOODS], 1_500)
        waiting = thread.submit(_publish, flooding, topics[FLOODS], 1_000)
        beside = [_publish(publishing, topics[PUBLISHES], 1_000) for _ in range(40)]
        waited, _ = waiting.result()
    before, during = (median(seconds for seconds, _ in one) for one in (alone, beside))
    print(
        f"\nflood held back {flood[-1][1]} ms; median of the other {before * 1e3:.1f} ms, beside {during * 1e3:.1f} ms"
    )
    assert {held for _, held in (*alone, *beside)} == {0}
    assert waited > flood[-1][1] / 1000 * 0.5
    assert during < waited / 5


def _wait_until_known(site: Site, admin: KafkaAdminClient, differing: int) -> None:
    """Wait for the broker to learn what its controller has taken."""
    deadline = time.monotonic() + 20
    while len(local.differing(site, admin)) != differing:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_provisioning_sets_quotas_right_and_changes_nothing_the_second_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One changed by hand, and one for a client id of an agency's, which would go before the table's."""
    entry = AlterClientQuotasRequest.EntryData
    user, client = (
        entry.EntityData(entity_type=k, entity_name=n) for k, n in (("user", f"agency.{FLOODS}"), ("client-id", "x"))
    )
    ops = [entry.OpData(key="producer_byte_rate", value=1e9, remove=False)]
    with cluster_setup.admin_of(site) as admin:
        entries = [entry(entity=[user], ops=ops), entry(entity=[user, client], ops=ops)]
        local._ask(admin, AlterClientQuotasRequest(entries=entries, validate_only=False))
        _wait_until_known(site, admin, 2)
        with pytest.raises(IntegrityError, match="INT-006"):
            inspection.CHECKS["quotas"](site)
        local.set_right(site, admin)
        assert local.differing(site, admin) == {}
        monkeypatch.setattr(local, "AlterClientQuotasRequest", None)
        local.set_right(site, admin)
    assert "producer_byte_rate 4000000" in inspection.CHECKS["quotas"](site)


def _row(number: int, text: str) -> str:
    row = {"record_id": f"held-{number}", "event_date": "2024-03-05", "activity_type": "FrontlineTraining"}
    return json.dumps(row | {"CountryOfExploitation": "EGY", "notes": f"{text}{number}"}) + "\n"


def test_a_publisher_that_is_held_back_loses_nothing(tight: Site, topics: dict[str, str], tmp_path: Path) -> None:
    """Every row of a file that is more than the quota allows at once; the publisher waits and ends well."""
    rows = 400
    file = tmp_path / "held.jsonl"
    text = "She waited at the harbour for the boat. " * 160
    file.write_text("".join(_row(number, text) for number in range(rows)), encoding="utf-8")
    begun, held = time.monotonic(), 0
    with cluster_setup.admin_of(tight, f"agency.{FLOODS}") as client, ThreadPoolExecutor(1) as threads:
        publishing = threads.submit(Publisher(tight.agency_profile(FLOODS)).publish, file, "activity")
        while not held and not publishing.done():
            _, held = _publish(client, topics[FLOODS], 1_000)
            time.sleep(0.5)
    done = publishing.result()
    print(f"\n{rows} rows within a quota of 200 kB/s: {time.monotonic() - begun:.1f} s, held back {held} ms")
    assert (done.accepted, done.complete) == (rows, True)
    assert held > 0, "the publisher was not held back"
