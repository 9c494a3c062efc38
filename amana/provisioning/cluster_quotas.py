"""The quotas of a cluster: read from the broker, compared with `streams.broker.quotas`, and corrected.

Called by: `amana.provisioning.cluster_setup`, `amana.provisioning.inspection`, `amana.provisioning.disk_guard`.

Invariants:
- A quota of one of our principals that is not listed is removed: one for a client id of that principal would take
  precedence over the listed one.

kafka-python speaks both messages of the protocol but offers no call for them, so they are composed here.

Source: KIP-546.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kafka import admin as kafka_admin
from kafka.protocol.admin import AlterClientQuotasRequest, DescribeClientQuotasRequest

from amana import site as sites
from schemas.errors import TransportError
from streams.broker import quotas

__all__ = ["Figures", "actual_quotas", "differing", "disk_shares", "listed_quotas", "set_right"]

Entity = frozenset[tuple[str, str]]
"""Subject of a quota: `("user", NAME)`, optionally with `("client-id", NAME)`."""

Figures = Mapping[Entity, Mapping[str, float]]
"""Limits by entity: Kafka's name of a quota to its value."""

_USER: Final = "user"
_ANY_NAME: Final = 2
_PATIENCE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.02


def disk_shares(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> dict[str, float]:
    """Return the used part of each agency's share of a disk, on the broker where it uses most."""
    shares = dict.fromkeys(site.agencies, 0.0)
    for broker in admin.describe_log_dirs():
        sizes = [
            (topic["name"], partition["partition_size"])
            for folder in broker["log_dirs"]
            for topic in folder["topics"]
            for partition in topic["partitions"]
        ]
        for agency, share in quotas.shares_used(sizes, site.agencies, site.quota).items():
            shares[agency] = max(shares[agency], share)
    return shares


def listed_quotas(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> Figures:
    """Return the listed quotas in the broker's form; an agency whose share of a disk is used up has the least."""
    full = [agency for agency, share in disk_shares(site, admin).items() if share >= 1]
    table = quotas.quotas_by_principal(site.agencies, site.quota, full)
    return {frozenset({(_USER, principal)}): quota.figures() for principal, quota in table.items()}


def actual_quotas(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> Figures:
    """List the broker's quotas of listed principals, and of agencies that left the site."""
    by_name = DescribeClientQuotasRequest.ComponentData(entity_type=_USER, match_type=_ANY_NAME, match=None)
    answer = _ask(admin, DescribeClientQuotasRequest(components=[by_name], strict=False))
    _refuse(site, [answer])
    ours = quotas.quotas_by_principal(site.agencies)
    figures = {}
    for entry in answer.entries or ():
        entity = frozenset((part.entity_type, part.entity_name) for part in entry.entity)
        principal = dict(entity)[_USER]
        # An agency that left keeps no quota. Principals of other systems on the same cluster are not ours to change.
        if principal in ours or principal.startswith("agency."):
            figures[entity] = {limit.key: limit.value for limit in entry.values}
    return figures


def differing(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> dict[Entity, dict[str, float | None]]:
    """List the changes that bring the broker to the listed quotas; None removes one."""
    return _changes(listed_quotas(site, admin), actual_quotas(site, admin))


def _changes(listed: Figures, actual: Figures) -> dict[Entity, dict[str, float | None]]:
    changes = {
        entity: {
            name: listed.get(entity, {}).get(name)
            for name in listed.get(entity, {}).keys() | actual.get(entity, {}).keys()
            if listed.get(entity, {}).get(name) != actual.get(entity, {}).get(name)
        }
        for entity in listed.keys() | actual.keys()
    }
    return {entity: change for entity, change in changes.items() if change}


def set_right(site: sites.Site, admin: kafka_admin.KafkaAdminClient) -> None:
    """Set the listed quotas at the broker and wait until they hold; send nothing if they hold already.

    Raises:
        TransportError: TRA-008, the broker does not take them.
    """
    # Measured once: the disk may fill further while the broker applies the change.
    listed = listed_quotas(site, admin)
    changes = _changes(listed, actual_quotas(site, admin))
    if not changes:
        return
    entry = AlterClientQuotasRequest.EntryData
    entries = [
        entry(
            entity=[entry.EntityData(entity_type=kind, entity_name=name) for kind, name in sorted(entity)],
            ops=[
                entry.OpData(key=key, value=value or 0.0, remove=value is None)  # the value of a removal is ignored
                for key, value in sorted(change.items())
            ],
        )
        for entity, change in changes.items()
    ]
    _refuse(site, _ask(admin, AlterClientQuotasRequest(entries=entries, validate_only=False)).entries)
    # The controller accepts a change before the brokers apply it.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _changes(listed, actual_quotas(site, admin)):
        if time.monotonic() > deadline:
            raise TransportError("TRA-008", f"the broker at {site.kafka} does not have the quotas that it took")
        time.sleep(_POLL_SECONDS)


def _ask(admin: kafka_admin.KafkaAdminClient, request: object) -> Any:  # noqa: ANN401 - the protocol's types are made at run time
    """Send a request to the broker and return its answer."""
    manager = admin._manager  # noqa: SLF001 - every call of the client goes through it; there is none for these messages
    return manager.run(manager.send, request)


def _refuse(site: sites.Site, answers: Iterable[Any]) -> None:
    """Raise TRA-008 if one of the answers holds an error."""
    if codes := sorted({answer.error_code for answer in answers} - {0}):
        raise TransportError("TRA-008", f"the broker at {site.kafka} refuses quotas: error {codes[0]} of its protocol")
