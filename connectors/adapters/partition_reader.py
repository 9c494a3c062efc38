"""Reader of one partition from a known offset on, for a process that outlives the death of brokers.

Purpose: return every record once and in order, over as many connections as it takes.
Called by: `connectors.adapters.release_bus`, for the topics `audit` and `calendar`.

    reader = PartitionReader(settings, offsets, TopicPartition("audit", 0), most=500)
    reader.seek(position)              once, at the offset that the caller has kept
    records = reader.poll(200)         again and again; `reader.position` moves with the records

Invariants:
- The position moves with the records that are returned, and over the marks of transactions behind them.
- A client that failed is closed, and the next poll goes on at the position over a new one.
- A topic that ends before the position is not the one that was read before: IntegrityError, never a fresh start.
- Nothing waits for ever: if the topic grows while no record comes, the next poll uses a new connection.
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

READ: Final = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "bootstrap_timeout_ms": 10_000,
    "isolation_level": "read_committed",
}
"""Settings of a consumer that never commits, never goes on at another offset than the one it was given, and never sees
a record of a transaction that was not committed."""

_POSITION_MS: Final = 500

_QUIET_SECONDS: Final = 20.0
"""Longest silence before the end of the topic is looked up."""


class PartitionReader:
    """One partition, read on over a connection that is opened again after every fault."""

    def __init__(self, settings: Mapping[str, Any], offsets: Offsets, partition: TopicPartition, *, most: int) -> None:
        """Take what a connection needs; it is opened by `seek` or by the first poll.

        Args:
            settings: client settings of a principal that may read the partition.
            offsets: the connection by which the end of the partition is looked up; the caller closes it.
            partition: the partition.
            most: largest number of records of one poll.
        """
        self._settings, self._offsets, self._partition, self._most = settings, offsets, partition, most
        self._consumer: KafkaConsumer | None = None
        self._quiet_since = time.monotonic()
        self.position = 0
        """The next offset to read."""

    def seek(self, position: int) -> None:
        """Go on at this offset.

        Raises:
            IntegrityError: INT-142, the topic ends before it.
            TransportError: TRA-031 or TRA-140, the broker is out of reach.
        """
        self.close()
        self.position = position
        self._open()

    def poll(self, milliseconds: int) -> list[Any]:
        """Return the next records, after a wait of at most `milliseconds` if there are none; raises as `seek`."""
        consumer = self._consumer or self._open()
        try:
            records = [record for batch in consumer.poll(timeout_ms=milliseconds).values() for record in batch]
            # The client's own position: the mark that ends a transaction takes an offset and is no record.
            self.position = int(consumer.position(self._partition, timeout_ms=_POSITION_MS) or self.position)
        except KafkaError as error:
            self.close()
            raise TransportError("TRA-140", f"the broker is out of reach: {type(error).__name__}") from error
        if records:
            self._quiet_since = time.monotonic()
        elif time.monotonic() - self._quiet_since > _QUIET_SECONDS:
            # A client that missed the move of a partition to another leader gets no records, and no error either. If
            # the topic has grown meanwhile, this connection is given up.
            self._quiet_since = time.monotonic()
            if self._offsets.ends([self._partition])[self._partition] > self.position:
                self.close()
        return records

    def close(self) -> None:
        """Disconnect; the next poll connects again and goes on at the position."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _open(self) -> KafkaConsumer:
        end = self._offsets.ends([self._partition])[self._partition]
        # A broker that lost its disk begins anew at 0: the records of the same offsets would be other ones.
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
