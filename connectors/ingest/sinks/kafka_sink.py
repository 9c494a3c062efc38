"""Kafka as a sink: windows of messages out, acknowledged offsets back.

Purpose: the producer settings that make one window per partition one append, and the end offsets of a topic that its
writer may not read.
Called by: `amana.publisher` makes it, and publishing uses it as a `Sink`.

Invariants:
- The producer is idempotent, with `acks=all` and one request in flight: within a partition messages are appended in the
  order of sending, once.
- A window is sent by `flush`, not by time, and fits into one record batch per partition, so that a partition's part of
  it is appended whole or not at all.
- An error names the type of the client's error, never its text, which may hold a record.

Source: KIP-98, idempotent producer; a record batch is the broker's unit of append.
"""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors

from connectors.ingest.event.envelope import Sendable
from connectors.ingest.sinks.sink import WindowLimit
from schemas.errors import AmanaError, ConfigurationError, TransportError

__all__ = ["KafkaSink"]

_LIMIT: Final = WindowLimit(messages=2_000, size=768 * 1024)
"""With the overhead of each record, a window stays below the broker's 1 MiB for one batch."""

_BATCH_BYTES: Final = 1_000_000  # above any window: the client must not cut a window into two batches
_REQUEST_BYTES: Final = 2 * 1024 * 1024
_NEVER_MS: Final = 600_000  # longer than any window is being filled: `flush` alone sends
_PATIENCE_MS: Final = 60_000
_BOOTSTRAP_MS: Final = 10_000
_QUIET_SECONDS: Final = 0.5

_REFUSALS = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.ClusterAuthorizationFailedError,
    kafka_errors.UnknownTopicOrPartitionError,
)


class KafkaSink:
    """One raw topic on a broker.

    Args:
        settings: client settings of the agency's principal (`connectors.adapters.cluster`).
        topic: the raw topic.
        partitions: the number of its partitions.

    Raises:
        TransportError: TRA-110, the broker is out of reach.
    """

    def __init__(self, settings: Mapping[str, Any], topic: str, partitions: int) -> None:
        self.limit = _LIMIT
        self._topic = topic
        self._partitions = [TopicPartition(topic, number) for number in range(partitions)]
        try:
            # The consumer reads nothing, which an agency may not do; it asks for end offsets.
            self._consumer = KafkaConsumer(**settings, group_id=None, bootstrap_timeout_ms=_BOOTSTRAP_MS)
            self._producer = KafkaProducer(
                **settings,
                acks="all",
                enable_idempotence=True,
                max_in_flight_requests_per_connection=1,
                linger_ms=_NEVER_MS,
                batch_size=_BATCH_BYTES,
                max_request_size=_REQUEST_BYTES,
                delivery_timeout_ms=_NEVER_MS + _PATIENCE_MS,  # counts from `send`, so that it includes the filling
                max_block_ms=_PATIENCE_MS,
                bootstrap_timeout_ms=_BOOTSTRAP_MS,
            )
        except kafka_errors.KafkaError as error:
            raise _fault(error) from None

    def __enter__(self) -> Self:
        """Return the sink; it is connected since it was made."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect at once: `send` has waited for whatever counts."""
        self._producer.close(timeout=0)
        self._consumer.close()

    def ends(self) -> dict[int, int]:
        """Return the end offset of every partition.

        Raises:
            TransportError: TRA-110, the broker is out of reach.
            ConfigurationError: CFG-110, the broker refuses this agency on this topic.
        """
        try:
            ends = self._consumer.end_offsets(self._partitions)
        except kafka_errors.KafkaError as error:
            raise _fault(error) from None
        return {partition.partition: int(offset) for partition, offset in ends.items()}

    def quiet_ends(self) -> dict[int, int]:
        """Return the end offsets after they have stood still for half a second; raises as `ends`."""
        # The last request of a killed publisher may still be on its way through the broker.
        before = self.ends()
        while True:
            time.sleep(_QUIET_SECONDS)
            now = self.ends()
            if now == before:
                return now
            before = now

    def send(self, window: Sequence[Sendable]) -> dict[int, list[int]]:
        """Send a window, wait for it, and return its offsets by partition, in the order of sending.

        Raises:
            TransportError: TRA-110, the broker did not acknowledge all of it.
            ConfigurationError: CFG-110, the broker refuses this agency on this topic.
        """
        offsets: dict[int, list[int]] = {}
        try:
            futures = [
                self._producer.send(self._topic, message.value, message.key, partition=message.partition)
                for message in window
            ]
            self._producer.flush(timeout=_PATIENCE_MS / 1000)
            for message, future in zip(window, futures, strict=True):
                offsets.setdefault(message.partition, []).append(int(future.get(timeout=1).offset))
        except kafka_errors.KafkaError as error:
            raise _fault(error) from None
        return offsets


def _fault(error: Exception) -> AmanaError:
    """Return the typed error for one of the client's, by its type alone: its text may hold a record."""
    if isinstance(error, _REFUSALS):
        return ConfigurationError("CFG-110", f"the broker refuses this agency on this topic: {type(error).__name__}")
    return TransportError("TRA-110", f"the broker is out of reach or did not acknowledge: {type(error).__name__}")
