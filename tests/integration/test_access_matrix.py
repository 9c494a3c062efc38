"""The broker answers every principal about every topic and group as the table of access says, and about nothing else.

Each pair is really tried: READ by a fetch, WRITE by a produce request without a record (the broker asks for the right
before it looks at the batch, so nothing is written), DESCRIBE by a metadata request; groups by a heartbeat and a
description.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from kafka.admin import KafkaAdminClient
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer import HeartbeatRequest
from kafka.protocol.metadata import FindCoordinatorRequest, MetadataRequest
from kafka.protocol.producer import ProduceRequest

from amana.provisioning import cluster_setup
from amana.site import Site
from amana.site_file import DEFAULT_AGENCIES
from schemas.errors import TransportError
from streams.broker import access
from tests.support.rights_asked import TOPIC_REFUSED, ask, readable

pytestmark = pytest.mark.broker

GROUP_REFUSED, TRANSACTIONAL_ID_REFUSED = 30, 53
TRANSACTION = 1
"""The kind of coordinator that a transactional id has."""

PRODUCE_VERSION = 12
"""The highest version that names topics instead of numbering them."""

PRINCIPALS = access.principals(DEFAULT_AGENCIES)


def _writable(client: KafkaAdminClient, names: list[str]) -> set[str]:
    nothing = ProduceRequest.TopicProduceData.PartitionProduceData(index=0, records=b"")
    data = [ProduceRequest.TopicProduceData(name=name, partition_data=[nothing]) for name in names]
    answer = ask(client, ProduceRequest(acks=1, timeout_ms=5000, topic_data=data, max_version=PRODUCE_VERSION))
    codes = {t.name: t.partition_responses[0].error_code for t in answer.responses}  # type: ignore[attr-defined] # as above
    assert 0 not in codes.values(), "a request without a record was taken"
    return {name for name, code in codes.items() if code != TOPIC_REFUSED}


def _describable(client: KafkaAdminClient, names: list[str]) -> set[str]:
    topics = [MetadataRequest.MetadataRequestTopic(name=name) for name in names]
    answer = ask(client, MetadataRequest(topics=topics, allow_auto_topic_creation=False))
    return {topic.name for topic in answer.topics if topic.error_code != TOPIC_REFUSED}  # type: ignore[attr-defined] # as above


def _expected(principal: str, operation: access.Operation, resource: access.Resource, names: list[str]) -> set[str]:
    rules = access.acl_rules(DEFAULT_AGENCIES)
    return {name for name in names if access.allows(rules, principal, operation, resource, name)}


@pytest.fixture(params=PRINCIPALS)
def asked(request: pytest.FixtureRequest, site: Site) -> Iterator[tuple[str, KafkaAdminClient]]:
    with cluster_setup.admin_of(site, request.param) as client:
        yield request.param, client


def test_every_topic_answers_every_principal_as_the_table_says(asked: tuple[str, KafkaAdminClient], site: Site) -> None:
    principal, client = asked
    names = [topic.name for topic in cluster_setup.topic_table(site)]
    assert readable(client, names) == _expected(principal, "READ", "TOPIC", names)
    assert _writable(client, names) == _expected(principal, "WRITE", "TOPIC", names)
    assert _describable(client, names) == _expected(principal, "DESCRIBE", "TOPIC", names)


def test_every_group_answers_every_principal_as_the_table_says(asked: tuple[str, KafkaAdminClient]) -> None:
    principal, client = asked
    names = [*access.WORKERS, "analysts", "analysts-1", "officer-1", "operator-1"]
    names += [access.agency_principal(agency) for agency in DEFAULT_AGENCIES]
    described = ask(client, DescribeGroupsRequest(groups=names))
    beats = {name: ask(client, HeartbeatRequest(group_id=name, generation_id=0, member_id="none")) for name in names}
    seen = {group.group_id for group in described.groups if group.error_code != GROUP_REFUSED}  # type: ignore[attr-defined] # untyped protocol
    joined = {name for name, answer in beats.items() if answer.error_code != GROUP_REFUSED}  # type: ignore[attr-defined] # as above
    assert joined == _expected(principal, "READ", "GROUP", names)
    assert seen == _expected(principal, "DESCRIBE", "GROUP", names)


def test_the_transactional_id_answers_every_principal_as_the_table_says(asked: tuple[str, KafkaAdminClient]) -> None:
    """Asked for its coordinator, which needs DESCRIBE: taking the id would shut out whoever holds it."""
    principal, client = asked
    names = [access.RELEASE_FENCE, "another"]
    answer = ask(client, FindCoordinatorRequest(key_type=TRANSACTION, coordinator_keys=names, min_version=4))
    seen = {one.key for one in answer.coordinators if one.error_code != TRANSACTIONAL_ID_REFUSED}  # type: ignore[attr-defined] # untyped protocol
    assert seen == _expected(principal, "DESCRIBE", "TRANSACTIONAL_ID", names)


def test_a_wrong_password_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    analysts = site.cluster("analysts")
    wrong = replace(analysts, credential=replace(analysts.credential, password="wrong"))  # noqa: S106 - it is wrong
    monkeypatch.setattr(Site, "cluster", lambda _site, _principal: wrong)
    with pytest.raises(TransportError, match="TRA-008"), cluster_setup.admin_of(site, "analysts", seconds=1):
        pass
