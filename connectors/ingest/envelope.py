"""From an event to what goes onto the wire: sealed, encoded, with its key and partition.

Decides the key (the event id) and the partition (a function of the key). Draws the ephemeral bytes that sealing needs.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas import codec
from schemas.catalogue import Schema
from schemas.sealing import KEY_BYTES, Sealer
from streams.partitions import partition_of

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
        *,
        topic: str,
        partitions: int,
        fresh: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._schema, self._schema_id, self._sealer = schema, schema_id, sealer
        self._topic, self._partitions, self._fresh = topic, partitions, fresh

    def wrap(self, event: Mapping[str, Any], line: int) -> Sendable:
        """Seal and encode one event; its own fields are left alone."""
        sealed = self._sealer.seal(event, self._schema, topic=self._topic, ephemeral=self._fresh(KEY_BYTES))
        key = str(event["event_id"]).encode()
        value = codec.encode(self._schema_id, self._schema.parsed, sealed)
        return Sendable(line, partition_of(key, self._partitions), key, value)
