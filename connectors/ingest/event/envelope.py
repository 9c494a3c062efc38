"""From an event to what goes onto the wire: sealed, encoded, signed, with its key and partition.

Decides the key (the event id) and the partition (a function of the key). Draws the ephemeral bytes that sealing needs.
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
    """One row, ready for the broker."""

    line: int
    partition: int
    key: bytes
    value: bytes


class Envelope:
    """Wraps events of one topic: `schema_id` is the registry's, `partitions` the topic's count."""

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

    def wrap(self, event: Mapping[str, Any], line: int) -> Sendable:
        """Seal, encode and sign one event; its own fields are left alone."""
        sealed = self._sealer.seal(event, self._schema, topic=self._topic, ephemeral=os.urandom(KEY_BYTES))
        key = str(event["event_id"]).encode()
        value = codec.encode(self._schema_id, self._schema.parsed, sealed | {"signature": UNSIGNED})
        return Sendable(line, partition_of(key, self._partitions), key, self._signer.sign(value, topic=self._topic))
