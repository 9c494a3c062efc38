"""Envelope of an event: encoded, sealed and signed, with message key and partition.

Purpose: turn an event in clear into a message that only the de-identifier can open. The message key is the event id;
the partition is a function of the key, so that all revisions of an event are in one partition, in order.
Called by: `connectors.ingest.file_publisher`, `connectors.ingest.sinks`; `amana.publisher` makes it.

Invariants:
- In clear a message has the event id, the revision, and the digests of key and schema; everything else is sealed.
- The signature covers the encoded message and the topic, so that it cannot be moved to another agency or kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import catalogue, codec, sealing
from schemas.catalogue import Schema
from schemas.signing import UNSIGNED, Signer
from streams.broker.partitions import partition_of

__all__ = ["Envelope", "Sendable"]


@dataclass(frozen=True, slots=True)
class Sendable:
    """One message, ready for a sink; `ref` is the sender's own number of it, as the line of a file."""

    ref: int
    partition: int
    key: bytes
    value: bytes


class Envelope:
    """Wraps the events of one topic.

    Args:
        schema: of the topic's events.
        schema_id: the registry's id of the schema `envelope`.
        sealer: seals to the de-identifier.
        signer: signs as the agency.
        topic: the raw topic.
        partitions: the number of its partitions.
    """

    def __init__(
        self,
        schema: Schema,
        schema_id: int,
        sealer: sealing.Sealer,
        signer: Signer,
        *,
        topic: str,
        partitions: int,
    ) -> None:
        self._schema, self._schema_id, self._sealer, self._signer = schema, schema_id, sealer, signer
        self._topic, self._partitions = topic, partitions
        self._envelope = catalogue.load("envelope").parsed

    def wrap(self, event: Mapping[str, Any], ref: int) -> Sendable:
        """Encode, seal and sign one event; `event` itself is not changed.

        Raises:
            ContractError: CON-015, the event is too long.
        """
        event_id, revision, digest = str(event["event_id"]), event["revision"], self._schema.digest
        data = codec.encode_body(self._schema.parsed, event)
        outer = {
            "event_id": event_id,
            "revision": revision,
            "key_id": self._sealer.key_id,
            "schema": digest,
            "sealed": self._sealer.seal(data, sealing.bound(self._topic, event_id, revision, digest)),
            # The signature is the last field: 64 zero bytes are encoded in its place, which signing replaces.
            "signature": UNSIGNED,
        }
        value = codec.encode(self._schema_id, self._envelope, outer)
        key = event_id.encode()
        return Sendable(ref, partition_of(key, self._partitions), key, self._signer.sign(value, topic=self._topic))
