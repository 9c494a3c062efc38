"""Set-up of a cluster: users, topics with retention, access rules, quotas, and schemas.

Purpose: find what differs from `streams.broker` and correct it; a second run changes nothing.
Called by: `amana.local.supervisor` at each start, `amana provision` for an existing cluster,
`amana.provisioning.inspection` to compare only.

Invariants:
- A rule of one of our principals that `streams.broker.access` does not list is removed; rules of other principals stay.
- A topic with another number of partitions is refused: its keys would map to other partitions.
- Surplus rules are removed before missing ones are added: between the two steps nobody may do more than is listed.
"""

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from kafka import admin as kafka_admin
from kafka import errors as kafka_errors

from amana import site as sites
from amana.provisioning import cluster_quotas, schema_registration
from connectors.adapters.cluster import MECHANISM, SCRAM, Cluster
from connectors.adapters.transport_security import TLS
from schemas.errors import AmanaError, IntegrityError, TransportError
from streams.broker import access, topics

__all__ = [
    "MAX_REPLICAS",
    "actual_acls",
    "admin_of",
    "differing_topics",
    "has_admin",
    "lets_anybody_in",
    "listed_acls",
    "provision",
    "topic_table",
]

MAX_REPLICAS: Final = 3
"""Replicas of a topic, on a cluster of so many brokers: one may fail without a pause and without a loss."""

_PATIENCE_SECONDS: Final = 30.0
_START_SECONDS: Final = 90.0
_TRY_MS: Final = 3_000
_REQUEST_MS: Final = 20_000
_ANY: Final = kafka_admin.ACLFilter(
    None,
    None,
    kafka_admin.ACLOperation.ANY,
    kafka_admin.ACLPermissionType.ANY,
    kafka_admin.ResourcePatternFilter(kafka_admin.ResourceType.ANY, None, kafka_admin.ACLResourcePatternType.ANY),
)


def provision(site: sites.Site) -> AmanaError | None:
    """Bring users, topics, access rules, quotas and schemas of the site's cluster to what the lists say.

    Without the admin's password it is the schemas alone: whoever runs the cluster makes the rest.

    Returns:
        The fault of the schema registry, where the site has every schema id already and can do without it; else None.

    Raises:
        TransportError: TRA-008, the broker cannot be reached as admin.
        IntegrityError: INT-003, a topic has another number of partitions than the list says.
        AmanaError: as `schema_registration.register_schemas`, where the site lacks an id.
    """
    if has_admin(site):
        with admin_of(site, seconds=_START_SECONDS) as admin:
            _users(site, admin)
            _topics(site, admin)
            _rules(site, admin)
            cluster_quotas.set_right(site, admin)
    return schema_registration.register_schemas(site)


def has_admin(site: sites.Site) -> bool:
    """Tell whether the site may act as the admin of its cluster."""
    return site.holds(access.ADMIN)


@contextlib.contextmanager
def admin_of(
    site: sites.Site, principal: str = access.ADMIN, *, seconds: float = _PATIENCE_SECONDS
) -> Iterator[kafka_admin.KafkaAdminClient]:
    """Open an admin client as one principal within `seconds`; faults of the connection become TRA-008."""
    # The client logs every refused or early connection as an error; what matters of it is raised as TRA-008.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    client = _enter(site, principal, time.monotonic() + seconds)
    try:
        yield client
    except kafka_errors.KafkaError as error:
        raise TransportError(
            "TRA-008", f"the broker at {site.kafka} answers {principal} {type(error).__name__}"
        ) from error
    finally:
        client.close()


def _enter(site: sites.Site, principal: str, deadline: float) -> kafka_admin.KafkaAdminClient:
    """Connect; each try is short, because one hangs on a broker that listens but does not answer yet."""
    settings = site.cluster(principal).kafka_settings()
    while True:
        try:
            return kafka_admin.KafkaAdminClient(
                **settings, bootstrap_timeout_ms=_TRY_MS, request_timeout_ms=_REQUEST_MS
            )
        except kafka_errors.KafkaError as error:
            if time.monotonic() > deadline:
                raise TransportError("TRA-008", f"the broker at {site.kafka} does not let {principal} in") from error


def lets_anybody_in(cluster: Cluster) -> bool:
    """Tell whether the broker admits a client without a password, over a connection of the same kind."""
    settings: dict[str, Any] = {"bootstrap_servers": cluster.bootstrap.split(","), "bootstrap_timeout_ms": _TRY_MS}
    if cluster.protocol == TLS:
        # In clear the question would leave this machine; what a listener without TLS does is `require_handshake`'s.
        settings |= {"security_protocol": "SSL", "ssl_context": cluster.trust.context()}
    try:
        kafka_admin.KafkaAdminClient(**settings).close()
    except kafka_errors.KafkaError:
        return False
    return True


def topic_table(site: sites.Site) -> tuple[topics.Topic, ...]:
    """List the topics of a site, which follow from its agencies and from the regions of its policies."""
    # The regions of earlier policies too: the revision of a year goes to the regions of its first print.
    regions = dict.fromkeys(region.id for policy in site.policies().policies for region in policy.regions)
    return topics.all_topics(site.agencies, regions)


def differing_topics(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> tuple[topics.Topic, ...]:
    """List the topics that are missing or whose settings differ from the list.

    Raises:
        IntegrityError: INT-003, a topic has another number of partitions than the list says.
    """
    listed = topic_table(site)
    partitions = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics()}
    for topic in listed:
        if partitions.get(topic.name, topic.partitions) != topic.partitions:
            raise IntegrityError("INT-003", f"topic {topic.name} has {partitions[topic.name]} partitions")
    existing = [kafka_admin.ConfigResource("TOPIC", topic.name) for topic in listed if topic.name in partitions]
    # All settings, not only those that were changed: a default of the broker may be the listed value.
    answer = admin.describe_configs(existing, config_filter="all") if existing else {}
    actual = {name: settings for named in answer.values() for name, settings in named.items()}
    return tuple(
        topic
        for topic in listed
        if topic.name not in actual
        or any(actual[topic.name].get(key, {}).get("value") != value for key, value in topic.settings().items())
    )


def listed_acls(site: sites.Site) -> set[kafka_admin.ACL]:
    """Return the access rules in the broker's form."""
    return {
        kafka_admin.ACL(
            f"User:{rule.principal}",
            "*",
            kafka_admin.ACLOperation[operation],
            kafka_admin.ACLPermissionType.ALLOW,
            kafka_admin.ResourcePattern(
                kafka_admin.ResourceType[rule.resource],
                rule.name,
                kafka_admin.ACLResourcePatternType["PREFIXED" if rule.prefixed else "LITERAL"],
            ),
        )
        for rule in access.acl_rules(site.agencies)
        for operation in rule.operations
    }


def actual_acls(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> set[kafka_admin.ACL]:
    """List the broker's rules for principals of this project or for everybody."""
    # A rule for everybody is a rule for ours too; and an agency that left may still have rules.
    ours = {f"User:{principal}" for principal in access.principals(site.agencies)} | {"User:*"}
    every_rule, _ = admin.describe_acls(_ANY)
    return {acl for acl in every_rule if acl.principal in ours or acl.principal.startswith("User:agency.")}


def set_password(admin: kafka_admin.KafkaAdminClient, principal: str, mechanism: str, password: str) -> None:
    """Give a user another password at the broker, for a mechanism of SCRAM; connections that are open stay open.

    Raises:
        TransportError: TRA-008, the broker does not take it.
    """
    scram = kafka_admin.ScramMechanism[mechanism.replace("-", "_")]
    change = kafka_admin.UserScramCredentialUpsertion(principal, scram, password)
    if any(admin.alter_user_scram_credentials([change]).values()):
        raise TransportError("TRA-008", f"the broker does not take the password of {principal}")


def _users(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> None:
    """Create the users that the broker lacks, and remove those of agencies that are no longer listed."""
    # The password of a user that exists is left alone: whoever runs the cluster may have changed it.
    # The broker keeps users of SCRAM alone. The admin enters by PLAIN to make them, and becomes one of them.
    wanted = [site.credential(name) for name in access.principals(site.agencies)]
    mechanisms = {one.username: one.mechanism if one.mechanism in SCRAM else "" for one in wanted}
    if not any(mechanisms.values()):
        return
    mechanisms[access.ADMIN] = mechanisms[access.ADMIN] or MECHANISM
    existing = admin.describe_user_scram_credentials()
    gone = [name for name in existing if name.startswith("agency.") and name not in mechanisms]
    # A user is gone with the last of its credentials: there is one for each mechanism. A broker takes one change of a
    # user in a request, so each mechanism has a request of its own.
    requests: defaultdict[str, list[Any]] = defaultdict(list)
    for name in gone:
        for credential in existing[name]["credential_infos"]:
            mechanism = credential["mechanism"]
            requests[mechanism.name].append(kafka_admin.UserScramCredentialDeletion(name, mechanism))
    for one in wanted:
        if mechanisms[one.username] and one.username not in existing:
            scram = kafka_admin.ScramMechanism[mechanisms[one.username].replace("-", "_")]
            requests[scram.name].append(kafka_admin.UserScramCredentialUpsertion(one.username, scram, one.password))
    for changes in requests.values():
        refused = {name for name, fault in admin.alter_user_scram_credentials(changes).items() if fault}
        if refused:
            raise TransportError("TRA-008", f"the broker does not take the users {', '.join(sorted(refused))}")


def _topics(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> None:
    """Create the topics that are missing, and correct the settings of the others."""
    differing = differing_topics(site, admin)
    existing = set(admin.list_topics())
    # With three replicas two must confirm a write: one broker may fail without a pause and without a loss.
    replicas = min(MAX_REPLICAS, len(admin.describe_cluster()["brokers"]))
    new = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": replicas,
            "configs": {**topic.settings(), "min.insync.replicas": str(max(1, replicas - 1))},
        }
        for topic in differing
        if topic.name not in existing
    }
    if new:
        admin.create_topics(new, wait_for_metadata=True)
    changed = [
        kafka_admin.ConfigResource("TOPIC", topic.name, configs=dict(topic.settings()))
        for topic in differing
        if topic.name in existing
    ]
    if changed:
        admin.alter_configs(changed)


def _rules(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> None:
    """Remove the access rules that are not listed, then add those that are missing."""
    listed, actual = listed_acls(site), actual_acls(site, admin)
    # Surplus rules first: between the two steps nobody may do more than the list says.
    if surplus := actual - listed:
        admin.delete_acls(
            [
                kafka_admin.ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)
                for acl in surplus
            ]
        )
    if missing := listed - actual:
        answer = admin.create_acls(list(missing))
        if answer["failed"]:
            raise TransportError("TRA-008", f"the broker refused {len(answer['failed'])} access rules")
