"""Bounded reading of topics: every record up to the end offset that a partition has now.

Purpose: decide when such a reading is over: at the end offsets that were looked up before it began, however much the
topic grows meanwhile.
Called by: the release process's topics, the feed's reader, and the services of agency, operator and officer.

Invariants:
- A reading ends when every partition has reached its end offset. An empty answer of the broker is not an end.
- Nothing waits for ever: 30 s without a record before the end are a KafkaTimeoutError.
- Errors of the client pass: only the caller knows what they mean to its user.
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
"""Longest time without a record before the end is reached."""


def partitions(names: Iterable[str], agencies: Iterable[str]) -> list[TopicPartition]:
    """Return every partition of the topics `names` of a site with these agencies."""
    return list(starmap(TopicPartition, topics.partitions(names, agencies)))


def to_present_end(consumer: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> Iterator[Any]:
    """Yield the client's records from its current positions up to these end offsets.

    Args:
        consumer: has the partitions assigned, and is at the offsets to begin at.
        ends: end offset of each partition; records behind it may be yielded too, as the last fetch is not cut.

    Raises:
        KafkaError: the broker is out of reach; a KafkaTimeoutError if no record came for 30 s.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # The position, not the offset of the last record: marks of transactions and compacted records take offsets too, so
    # that the last record may lie well before the end. It is None while it is not known where a partition begins;
    # without a timeout the client would wait for it for ever.
    while any(int(consumer.position(tp, timeout_ms=_POLL_MS) or 0) < end for tp, end in ends.items()):
        fetched = consumer.poll(timeout_ms=_POLL_MS)
        for records in fetched.values():
            yield from records
        if fetched:
            deadline = time.monotonic() + _PATIENCE_SECONDS
        elif time.monotonic() > deadline:
            raise KafkaTimeoutError


def whole(settings: Mapping[str, Any], topic: str) -> Iterator[Any]:
    """Yield every record that all partitions of `topic` hold now, over a connection of its own.

    Args:
        settings: client settings of a principal that may read the topic.
        topic: name of the topic.

    Raises:
        KafkaError: the broker is out of reach.
        TransportError: TRA-031, it did not report the ends in time.
    """
    # `none`: an offset that is out of range is an error, never a reason to go on at another one.
    consumer = KafkaConsumer(
        **settings,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_poll_records=10_000,
    )
    try:
        assigned = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(assigned)
        consumer.seek_to_beginning(*assigned)
        with Offsets(settings) as offsets:
            ends = offsets.ends(assigned)
        yield from to_present_end(consumer, ends)
    finally:
        consumer.close()
