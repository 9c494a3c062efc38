"""One partition read on from a known offset, for a process that outlives the death of brokers.

Called by: `connectors.adapters.release_bus`, for the topics of the release process.

Invariants:
- Every record is returned once and in order; the position moves with what is returned, and with nothing else.
- A client that failed is closed, and the next poll goes on at the position over a new one.
- A topic that ends before the position is not the one that was read before: IntegrityError, never a fresh start.
- Nothing is waited for for ever: a topic that goes on while nothing comes is read over a new connection.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters.clients import open_client
from connectors.adapters.progress import Offsets
from schemas.errors import IntegrityError, TransportError

__all__ = ["READ", "PartitionReader"]

READ: Final = {"enable_auto_commit": False, "auto_offset_reset": "none", "bootstrap_timeout_ms": 10_000}
"""Settings of a consumer that never commits, and never goes on at another offset than it was told."""

_QUIET_SECONDS: Final = 20.0
"""How long a topic may be silent before its end is looked up."""


class PartitionReader:
    """One partition, read on from a known offset over a connection that is opened again after every fault."""

    def __init__(self, settings: Mapping[str, Any], offsets: Offsets, partition: TopicPartition, *, most: int) -> None:
        """Take client settings, where ends are looked up, the partition, and the most records of one poll."""
        self._settings, self._offsets, self._partition, self._most = settings, offsets, partition, most
        self._consumer: KafkaConsumer | None = None
        self._quiet_since = time.monotonic()
        self.position = 0
        """The next offset to read."""

    def seek(self, position: int) -> None:
        """Go on at this offset.

        Raises:
            IntegrityError: INT-142, the topic ends before it.
            TransportError: the broker is out of reach.
        """
        self.close()
        self.position = position
        self._open()

    def poll(self, milliseconds: int) -> list[Any]:
        """Return the next records, waiting this long where there are none; raises as `seek`."""
        consumer = self._consumer or self._open()
        try:
            found = [record for records in consumer.poll(timeout_ms=milliseconds).values() for record in records]
        except KafkaError as error:
            self.close()
            raise TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}") from error
        if found:
            self.position = found[-1].offset + 1
        self._doubt(idle=not found)
        return found

    def _doubt(self, *, idle: bool) -> None:
        """Disconnect where the topic goes on and nothing comes: a client that missed a move must not wait for ever."""
        if not idle:
            self._quiet_since = time.monotonic()
        elif time.monotonic() - self._quiet_since > _QUIET_SECONDS:
            self._quiet_since = time.monotonic()
            if self._offsets.ends([self._partition])[self._partition] > self.position:
                self.close()

    def close(self) -> None:
        """Disconnect; the next poll connects again and goes on at the position."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _open(self) -> KafkaConsumer:
        end = self._offsets.ends([self._partition])[self._partition]
        if end < self.position:
            raise IntegrityError("INT-142", f"topic {self._partition.topic} ends at {end}, before {self.position}")
        try:
            consumer = open_client(KafkaConsumer, self._settings, **READ, max_poll_records=self._most)
        except KafkaError as error:
            raise TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}") from error
        consumer.assign([self._partition])
        consumer.seek(self._partition, self.position)
        self._consumer = consumer
        return consumer
