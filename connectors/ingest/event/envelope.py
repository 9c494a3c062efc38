"""Envelope of an event: sealed, encoded and signed, with message key and partition.

Purpose: turn an event in clear into a message whose sealed fields only the de-identifier can open. The message key is
the event id; the partition is a function of the key, so that all revisions of an event are in one partition, in order.
Called by: `connectors.ingest.file_publisher`, `connectors.ingest.sinks`; `amana.publisher` makes it.

Invariants:
- Every message is sealed with ephemeral bytes of its own.
- The signature covers the encoded message and the topic, so that it cannot be moved to another agency or kind.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import codec
from schemas.catalogue import Schema
from schemas.sealing import KEY_BYTES, Sealer
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
        schema_id: its id on the topics.
        sealer: seals to the de-identifier.
        signer: signs as the agency.
        topic: the raw topic.
        partitions: the number of its partitions.
    """

    def __init__(
        self,
        schema: Schema,
        schema_id: int,
        sealer: Sealer,
        signer: Signer,
        *,
        topic: str,
        partitions: int,
    ) -> None:
        self._schema, self._schema_id, self._sealer, self._signer = schema, schema_id, sealer, signer
        self._topic, self._partitions = topic, partitions

    def wrap(self, event: Mapping[str, Any], ref: int) -> Sendable:
        """Seal, encode and sign one event; `event` itself is not changed."""
        sealed = self._sealer.seal(event, self._schema, topic=self._topic, ephemeral=os.urandom(KEY_BYTES))
        key = str(event["event_id"]).encode()
        # The signature is the last field: 64 zero bytes are encoded in its place, which signing replaces.
        value = codec.encode(self._schema_id, self._schema.parsed, sealed | {"signature": UNSIGNED})
        return Sendable(ref, partition_of(key, self._partitions), key, self._signer.sign(value, topic=self._topic))
