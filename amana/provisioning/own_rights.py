"""The topics and the access rules of a cluster as its principals see them, without an admin.

Purpose: check a cluster that somebody else runs. Each principal whose credential the site holds asks for itself: a
broker tells everybody which topics it may see, and which operations it may do on them.
Called by: `amana.provisioning.inspection`.

Invariants:
- An operation that is missing and one that goes beyond the list are both a fault.
- Nothing is written and nothing is read: only metadata is asked for.

Source: KIP-430 (authorised operations in the answers of a broker).
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kafka import admin as kafka_admin
from kafka import errors as kafka_errors

from amana import site as sites
from amana.provisioning import cluster_setup
from schemas.errors import IntegrityError
from streams.broker import access

__all__ = ["require_rights", "require_topics"]

_ASKED: Final[tuple[access.Operation, ...]] = ("READ", "WRITE", "DESCRIBE")
_HARMLESS: Final = frozenset({"DESCRIBE_CONFIGS"})
"""What the owner of a cluster may allow beyond the list: to see the settings of a topic."""

_ELECTION_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.2
_COORDINATOR_FAULTS: Final = (
    kafka_errors.CoordinatorNotAvailableError,
    kafka_errors.CoordinatorLoadInProgressError,
    kafka_errors.NotCoordinatorError,
)

Seen = Mapping[str, Mapping[str, Any]]
"""Topic → what the broker tells a principal about it."""


def require_topics(site: sites.Site, *, seconds: float) -> None:
    """Check that every topic is seen by somebody, with the listed number of partitions.

    Raises:
        IntegrityError: INT-003, a topic has another number of partitions; INT-004, topics are missing or nobody sees
            them.
        TransportError: TRA-008, the broker does not let a principal in.
    """
    seen: dict[str, Mapping[str, Any]] = {}
    for principal in _held(site):
        with cluster_setup.admin_of(site, principal, seconds=seconds) as client:
            seen |= _seen(client)
    missing = []
    for topic in cluster_setup.topic_table(site):
        if topic.name not in seen:
            missing.append(topic.name)
        elif (count := len(seen[topic.name]["partitions"])) != topic.partitions:
            raise IntegrityError("INT-003", f"topic {topic.name} has {count} partitions")
    if missing:
        message = f"{len(missing)} topics are missing, or nobody here may see them, the first: {missing[0]}"
        raise IntegrityError("INT-004", message)


def require_rights(site: sites.Site, *, seconds: float) -> int:
    """Check that every principal of this site may do what is listed and no more; return their number.

    Raises:
        IntegrityError: INT-005, a principal may do less or more.
        TransportError: TRA-008, the broker does not let a principal in.
    """
    principals = list(_held(site))
    for principal in principals:
        with cluster_setup.admin_of(site, principal, seconds=seconds) as client:
            differing = [*_on_topics(site, principal, _seen(client)), *_on_groups(site, principal, client)]
        if differing:
            raise IntegrityError("INT-005", f"{principal} may do other than is listed, on {differing[0]} first")
    return len(principals)


def _held(site: sites.Site) -> Iterator[str]:
    """Yield the principals whose credential this site holds, without the admin."""
    for principal in access.principals(site.agencies):
        if principal != access.ADMIN and site.holds(principal):
            yield principal


def _seen(client: kafka_admin.KafkaAdminClient) -> Seen:
    return {topic["name"]: topic for topic in client.describe_topics() if not topic["is_internal"]}


def _on_topics(site: sites.Site, principal: str, seen: Seen) -> Iterator[str]:
    """Yield the topics on which a principal may do less or more than is listed."""
    rules = access.acl_rules(site.agencies)
    # All topics that it sees: one that is none of ours is beyond the list too.
    for name in sorted({topic.name for topic in cluster_setup.topic_table(site)} | seen.keys()):
        listed = {operation for operation in _ASKED if access.allows(rules, principal, operation, "TOPIC", name)}
        if set(seen.get(name, {}).get("authorized_operations") or ()) - _HARMLESS != listed:
            yield f"topic {name}"


def _on_groups(site: sites.Site, principal: str, client: kafka_admin.KafkaAdminClient) -> Iterator[str]:
    """Yield the groups of the stages on which a principal may do less or more than is listed."""
    rules = access.acl_rules(site.agencies)
    for group in access.WORKERS:
        listed = {op for op in ("READ", "DESCRIBE") if access.allows(rules, principal, op, "GROUP", group)}
        told = _told_of(group, client)
        if kafka_errors.GroupIdNotFoundError.__name__ in (told.get("error") or ""):
            continue  # of a group that never had a member the broker tells no operations
        if set(told.get("authorized_operations") or ()) & {"READ", "DELETE", "DESCRIBE"} != listed:
            yield f"group {group}"


def _told_of(group: str, client: kafka_admin.KafkaAdminClient) -> Mapping[str, Any]:
    """Return what the broker tells a principal about a group; nothing if it may not ask."""
    deadline = time.monotonic() + _ELECTION_SECONDS
    while True:
        try:
            told: Mapping[str, Any] = client.describe_groups([group])[group]
        except kafka_errors.GroupAuthorizationFailedError:
            return {}
        except _COORDINATOR_FAULTS:
            # A cluster makes its list of groups with the first question about one, and elects who keeps it.
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return told
