"""An agency's share of the broker beside its bytes a second: its disk, its consumer groups, its producers."""

import dataclasses
import os

import kafka
import pytest
from kafka.admin import ConfigResource
from kafka.errors import GroupAuthorizationFailedError

from amana.provisioning import cluster_quotas, cluster_setup, inspection
from amana.site import Site
from schemas.errors import IntegrityError
from streams.broker import access, quotas, topics
from tests.support import runtime

pytestmark = pytest.mark.broker

FILLS, OTHER = "hotline-egy", "police-jor"


def _rate(site: Site, agency: str) -> float:
    """Return the bytes a second that the broker allows an agency."""
    with cluster_setup.admin_of(site) as admin:
        figures = cluster_quotas.actual_quotas(site, admin)
    return figures[frozenset({("user", access.agency_principal(agency))})]["producer_byte_rate"]


def test_an_agency_that_fills_its_share_of_the_disk_is_slowed_alone_and_loses_nothing(site: Site) -> None:
    """Messages that will be refused are enough: raw topics and quarantine have no end but this one."""
    small = dataclasses.replace(site, quota=quotas.Quota.of({"disk_bytes": quotas.LEAST["disk_bytes"]}))
    topic = topics.raw(FILLS, "activity")
    before = len(runtime.consume_all(site, "admin", topic))
    sent = [(b"key", os.urandom(60_000)) for _ in range(20)]
    runtime.produce_all(site, access.agency_principal(FILLS), topic, sent)
    try:
        with cluster_setup.admin_of(site) as admin:
            shares = cluster_quotas.disk_shares(small, admin)
            assert shares[FILLS] >= 1 > shares[OTHER]
            cluster_quotas.set_right(small, admin)
        assert _rate(site, FILLS) == quotas.HELD_BYTE_RATE
        assert _rate(site, OTHER) == quotas.DEFAULT.producer_byte_rate
        with pytest.raises(IntegrityError, match="INT-190") as told:
            inspection.CHECKS["disk shares"](small)
        assert FILLS in told.value.message
        assert len(runtime.consume_all(site, "admin", topic)) == before + 20
    finally:
        # With room again the agency goes on: here, since the share is as large as shipped.
        with cluster_setup.admin_of(site) as admin:
            cluster_quotas.set_right(site, admin)
    assert _rate(site, FILLS) == quotas.DEFAULT.producer_byte_rate


def test_an_agency_has_one_consumer_group(site: Site) -> None:
    """The broker keeps the offsets of each for years: any name below its prefix was allowed."""
    settings = site.cluster(access.agency_principal(FILLS)).kafka_settings()
    for group, allowed in ((access.agency_principal(FILLS), True), (f"{access.agency_principal(FILLS)}.1", False)):
        consumer = kafka.KafkaConsumer(topics.quarantine(FILLS), **settings, group_id=group)
        try:
            if allowed:
                consumer.poll(timeout_ms=3_000)
            else:
                with pytest.raises(GroupAuthorizationFailedError):
                    consumer.poll(timeout_ms=10_000)
        finally:
            consumer.close(autocommit=False)


def test_the_broker_bounds_groups_and_forgets_idle_producers(site: Site) -> None:
    """Kafka has no limit on producer ids: what an agency may ask for is forgotten after minutes, not a day."""
    with cluster_setup.admin_of(site) as admin:
        answer = admin.describe_configs([ConfigResource("BROKER", "1")], config_filter="all")
    settings = {
        key: found["value"] for named in answer.values() for one in named.values() for key, found in one.items()
    }
    assert settings["group.max.size"] == "64"
    assert settings["producer.id.expiration.ms"] == "600000"
