"""Read partitions up to the end that they have now, and stop; and see how far groups have read.

Decides when such a reading is over: what arrives after it began is not part of it. Does not decide what a record means,
and lets the client's errors pass, since only the reader knows what they mean to whom.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from streams.broker import topics

__all__ = ["committed", "partitions", "to_present_end", "whole"]

_POLL_MS = 500


def partitions(names: Iterable[str], agencies: Iterable[str]) -> list[TopicPartition]:
    """List every partition of these topics of a site with these agencies."""
    return list(starmap(TopicPartition, topics.partitions(names, agencies)))


def committed(admin: KafkaAdminClient, groups: Sequence[str]) -> dict[str, dict[TopicPartition, int]]:
    """Return the next offset that each group will read, by partition; 0 where it never committed.

    Nothing while the brokers elect who keeps one of the groups; the next call asks again who does.

    Raises:
        KafkaError: the broker is out of reach.
    """
    try:
        found = admin.list_group_offsets(list(groups))
    except KafkaError as error:
        # The client remembers for good which broker keeps a group; another may do so since, where that one died.
        admin._manager.cluster._coordinators.clear()  # noqa: SLF001 - it offers no way to ask again
        if error.retriable:
            return {}
        raise
    return {group: {one: max(0, at.offset) for one, at in read.items()} for group, read in found.items()}


def to_present_end(consumer: KafkaConsumer, partitions: Sequence[TopicPartition]) -> Iterator[Any]:
    """Yield the client's records from the current positions to the present ends.

    Raises:
        KafkaError: the broker is out of reach.
    """
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(one) < ends[one] for one in partitions):
        for records in consumer.poll(timeout_ms=_POLL_MS).values():
            yield from records


def whole(settings: Mapping[str, Any], topic: str) -> Iterator[Any]:
    """Yield every record that all partitions of `topic` hold now, over a connection of its own.

    Raises:
        KafkaError: the broker is out of reach.
    """
    consumer = KafkaConsumer(**settings, enable_auto_commit=False, max_poll_records=10_000)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        yield from to_present_end(consumer, partitions)
    finally:
        consumer.close()
