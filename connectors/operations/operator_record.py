"""Records of what an operator or an officer did, sent to the topic `audit`, from which the audit log takes them.

Purpose: an act that no stage carries out is recorded like the acts of the stages. Records about refused records are the
part of `quarantine_entries`.
Called by: `amana.composition.policy_changes`, `amana.composition.key_acts`.

Invariants:
- The broker has acknowledged the record when `send` returns: what it records is done after it.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from kafka import KafkaProducer
from kafka.errors import KafkaError

from connectors.adapters import schema_ids
from connectors.adapters.cluster import Cluster
from schemas import catalogue, codec
from schemas.errors import TransportError
from streams.transparency.decision import Decision

__all__ = ["recorder", "send"]

_ACK_SECONDS: Final = 30


@contextlib.contextmanager
def recorder(cluster: Cluster) -> Iterator[Callable[[Decision], None]]:
    """Open a connection, and give what sends one decision over it; `cluster` and faults as of `send`."""
    number = schema_ids.allow_list(cluster.schema_ids, ["audit"]).id_of("audit")
    try:
        producer = KafkaProducer(**cluster.kafka_settings(), acks="all")
    except KafkaError as error:
        raise _refused(error) from None

    def record(decision: Decision) -> None:
        fields = {name: getattr(decision, name) for name in Decision.__slots__ if name not in {"at", "source"}}
        value = codec.encode(number, catalogue.load("audit").parsed, {**fields, "details": dict(decision.details)})
        try:
            producer.send("audit", key=decision.action.encode(), value=value, partition=0).get(timeout=_ACK_SECONDS)
        except KafkaError as error:
            raise _refused(error) from None

    try:
        yield record
    finally:
        producer.close(timeout=_ACK_SECONDS)


def send(cluster: Cluster, decision: Decision) -> None:
    """Send one decision to the topic `audit`.

    Args:
        cluster: access to the broker, as the operator.
        decision: its hour and source are those that the log's keeper gives it.

    Raises:
        TransportError: TRA-171, the broker did not take it.
        ConfigurationError: the schema has no id on file.
    """
    with recorder(cluster) as record:
        record(decision)


def _refused(error: KafkaError) -> TransportError:
    return TransportError("TRA-171", f"the broker did not take the record: {type(error).__name__}")
