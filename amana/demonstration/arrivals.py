"""How many published records came out of the de-identifier: read from the topics, as the operator.

Decides that a record is counted once, however often a crash made it come out, and that a `moved` note, which the
de-identifier adds when a correction changes the person, is not one.
"""

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from amana.site import Site
from connectors.adapters import registry
from schemas import codec, limits
from schemas.errors import TransportError
from streams import topics

__all__ = ["count"]


def count(site: Site) -> int:
    """Return the number of distinct raw records behind all of `deidentified.*`.

    Raises:
        TransportError: TRA-062, the broker is out of reach.
    """
    return sum(len(_positions(site, kind)) for kind in topics.KINDS)


def _positions(site: Site, kind: str) -> set[tuple[str, int, int]]:
    stem = f"deidentified.{kind}"
    readable = registry.ids(site.registry, [stem]).allowed(stem)
    partitions = [TopicPartition(stem, n) for n in range(4)]
    found: set[tuple[str, int, int]] = set()
    try:
        consumer = KafkaConsumer(**site.kafka_settings("operator"), enable_auto_commit=False, max_poll_records=10_000)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                decoded = (codec.decode(record.value, readable, limits.INTERNAL) for record in records)
                found.update(
                    (one["agency"], one["source_partition"], one["source_offset"])
                    for one in decoded
                    if one["state"] != "moved"
                )
        consumer.close()
    except KafkaError as error:
        raise TransportError("TRA-062", "the broker is out of reach") from error
    return found
