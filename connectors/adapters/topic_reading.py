"""Reading of partitions up to the end that they have at the start.

Purpose: decide when such a reading is over. The meaning of a record is decided by the reader, and so is that of the
client's errors, which pass through.
Called by: `release_bus`, `connectors.console.reconciliation`, `connectors.feed.trend_reader`, `connectors.operations`
and `amana.demo.arrivals`.

Invariants:
- Every record before the ends is yielded. One that arrives meanwhile may follow: a fetch is yielded as a whole.
- A broker from which nothing comes for half a minute ends the reading with a KafkaTimeoutError: it is never cut short.
- Nothing is committed, and no consumer group is used.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import starmap
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from connectors.adapters.progress import Offsets
from streams.broker import topics

__all__ = ["partitions", "to_present_end", "whole"]

_POLL_MS: Final = 500
_PATIENCE_SECONDS: Final = 30.0
"""How long no record may come before the end."""


def partitions(names: Iterable[str], agencies: Iterable[str]) -> list[TopicPartition]:
    """List every partition of these topics of a site with these agencies."""
    return list(starmap(TopicPartition, topics.partitions(names, agencies)))


def to_present_end(consumer: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> Iterator[Any]:
    """Yield the client's records from the current positions to these ends.

    Raises:
        KafkaError: the broker is out of reach.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while any(_position(consumer, one) < end for one, end in ends.items()):
        found = consumer.poll(timeout_ms=_POLL_MS)
        for records in found.values():
            yield from records
        if found:
            deadline = time.monotonic() + _PATIENCE_SECONDS
        elif time.monotonic() > deadline:
            raise KafkaTimeoutError


def _position(consumer: KafkaConsumer, partition: TopicPartition) -> int:
    """Return the next offset; 0 while it is not known where the partition begins. Without a time it waits for ever."""
    return int(consumer.position(partition, timeout_ms=_POLL_MS) or 0)


def whole(settings: Mapping[str, Any], topic: str) -> Iterator[Any]:
    """Yield every record that all partitions of `topic` hold now, over a connection of its own.

    Raises:
        KafkaError, TransportError: the broker is out of reach.
    """
    consumer = KafkaConsumer(**settings, enable_auto_commit=False, auto_offset_reset="none", max_poll_records=10_000)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        with Offsets(settings) as offsets:
            ends = offsets.ends(partitions)
        yield from to_present_end(consumer, ends)
    finally:
        consumer.close()
