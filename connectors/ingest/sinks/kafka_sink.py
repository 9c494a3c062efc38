"""The publisher's side of the broker: windows of rows out, acknowledged offsets back.

Decides the producer's settings. Does not decide what is sent or remember it.

- Idempotent, `acks=all`, one request in flight: within a partition rows are appended in the order of sending, once.
- A window is sent by `flush`, not by time, and fits into one record batch per partition, so that a partition's part of
  it is appended whole or not at all.

Source: KIP-98 for idempotence; a record batch is the broker's unit of append.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors

from connectors.ingest.event.envelope import Sendable
from schemas.errors import AmanaError, ConfigurationError, TransportError

__all__ = ["WINDOW_BYTES", "WINDOW_ROWS", "KafkaSink"]

WINDOW_BYTES = 768 * 1024
"""Most bytes of keys and values in one window: with overhead it stays below the broker's 1 MiB for a batch."""

WINDOW_ROWS = 2_000
"""Most rows in one window."""

_BATCH_BYTES = 1_000_000
_REQUEST_BYTES = 2 * 1024 * 1024
_NEVER_MS = 600_000  # longer than any window is being filled
_PATIENCE_MS = 60_000
_QUIET_S = 0.5

_REFUSALS = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.UnknownTopicOrPartitionError,
)


class KafkaSink:
    """One raw topic; `settings` are the agency's client settings, see `amana.site`."""

    def __init__(self, settings: Mapping[str, Any], topic: str, partitions: int) -> None:
        self._topic = topic
        self._partitions = [TopicPartition(topic, number) for number in range(partitions)]
        try:
            self._consumer = KafkaConsumer(**settings, group_id=None, bootstrap_timeout_ms=10_000)
            self._producer = KafkaProducer(
                **settings,
                acks="all",
                enable_idempotence=True,
                max_in_flight_requests_per_connection=1,
                linger_ms=_NEVER_MS,
                batch_size=_BATCH_BYTES,
                max_request_size=_REQUEST_BYTES,
                delivery_timeout_ms=_NEVER_MS + _PATIENCE_MS,
                max_block_ms=_PATIENCE_MS,
                bootstrap_timeout_ms=10_000,
            )
        except kafka_errors.KafkaError as error:
            raise _fault(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close(timeout=0)
        self._consumer.close()

    def ends(self) -> dict[int, int]:
        """Return the end offset of every partition."""
        try:
            found = self._consumer.end_offsets(self._partitions)
        except kafka_errors.KafkaError as error:
            raise _fault(error) from None
        return {partition.partition: int(offset) for partition, offset in found.items()}

    def quiet_ends(self) -> dict[int, int]:
        """Return the end offsets once they have stood still: a killed publisher's last request may still arrive."""
        before = self.ends()
        while True:
            time.sleep(_QUIET_S)
            now = self.ends()
            if now == before:
                return now
            before = now

    def send(self, window: Sequence[Sendable]) -> dict[int, list[int]]:
        """Send a window and wait; return the offsets by partition, in the order of sending.

        Raises:
            TransportError: TRA-110, the broker did not acknowledge all of it.
            ConfigurationError: CFG-110, the broker refuses this agency on this topic.
        """
        offsets: dict[int, list[int]] = {}
        try:
            futures = [self._producer.send(self._topic, row.value, row.key, partition=row.partition) for row in window]
            self._producer.flush(timeout=_PATIENCE_MS / 1000)
            for row, future in zip(window, futures, strict=True):
                offsets.setdefault(row.partition, []).append(int(future.get(timeout=1).offset))
        except kafka_errors.KafkaError as error:
            raise _fault(error) from None
        return offsets


def _fault(error: Exception) -> AmanaError:
    """Return our fault for the client's, by its type alone: its text may hold a record."""
    if isinstance(error, _REFUSALS):
        return ConfigurationError("CFG-110", f"the broker refuses this agency on this topic: {type(error).__name__}")
    return TransportError("TRA-110", f"the broker is out of reach or did not acknowledge: {type(error).__name__}")
