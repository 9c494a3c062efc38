"""What an agency may read about its own records, from the topics `notices.<agency>` and `quarantine.<agency>`.

Purpose: read and open both topics as the agency's principal, once or for as long as it is wanted.
Called by: `connectors.ingest.own_records`.

Invariants:
- Nothing but these two topics and the ends of the agency's raw topics is asked for: the broker allows no more.
- A notice that does not open is an error: nothing is passed over.
"""

from collections.abc import Iterator
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.adapters import topic_reading
from connectors.adapters.cluster import Cluster
from connectors.adapters.progress import Offsets
from schemas import catalogue
from schemas.errors import TransportError
from streams.broker import topics
from streams.core.counting.agency_notices import Notice, unpack
from streams.core.counting.outcomes import position_of

__all__ = ["followed_notices", "held_places", "present_notices", "raw_ends"]

_POLL_MS: Final = 500


def raw_ends(cluster: Cluster, agency: str) -> dict[tuple[str, int], int]:
    """Return (kind, partition) -> end offset of every raw partition of an agency; raises as `present_notices`."""
    kinds = {topics.raw(agency, kind): kind for kind in catalogue.KINDS}
    try:
        with Offsets(cluster.kafka_settings()) as offsets:
            ends = offsets.ends(topic_reading.partitions(kinds, [agency]))
    except KafkaError as error:
        raise _unreachable(error) from None
    return {(kinds[place.topic], place.partition): end for place, end in ends.items()}


def present_notices(cluster: Cluster, agency: str) -> Iterator[Notice]:
    """Yield every notice that the topic has now, in the order in which they were given.

    Raises:
        TransportError: TRA-030, the broker is out of reach; TRA-031, it does not tell the ends of the topics.
        IntegrityError: INT-020, INT-026 or INT-027, a notice does not open.
    """
    try:
        for record in topic_reading.whole(cluster.kafka_settings(), topics.notices(agency)):
            yield from _opened(cluster, agency, record)
    except KafkaError as error:
        raise _unreachable(error) from None


def followed_notices(cluster: Cluster, agency: str) -> Iterator[Notice]:
    """Yield every notice, and then each new one as it comes, without an end; raises as `present_notices`."""
    place = TopicPartition(topics.notices(agency), 0)
    try:
        consumer = KafkaConsumer(**cluster.kafka_settings(), enable_auto_commit=False, auto_offset_reset="none")
        try:
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            while True:
                for record in consumer.poll(timeout_ms=_POLL_MS).get(place, ()):
                    yield from _opened(cluster, agency, record)
        finally:
            consumer.close()
    except KafkaError as error:
        raise _unreachable(error) from None


def held_places(cluster: Cluster, agency: str) -> frozenset[tuple[str, int, int]]:
    """Return kind, partition and offset of each record that the agency's quarantine holds now.

    Raises:
        TransportError: TRA-030 or TRA-031, as `present_notices`.
    """
    held: dict[bytes, bool] = {}
    try:
        for record in topic_reading.whole(cluster.kafka_settings(), topics.quarantine(agency)):
            held[record.key] = record.value is not None
    except KafkaError as error:
        raise _unreachable(error) from None
    places = (position_of(key) for key, is_held in held.items() if is_held)
    return frozenset(place[1:] for place in places if place is not None)


def _opened(cluster: Cluster, agency: str, record: Any) -> Iterator[Notice]:  # noqa: ANN401 - the client has no types
    return unpack(cluster.seal.read("notice", record.value, topics.notices(agency)))


def _unreachable(error: KafkaError) -> TransportError:
    return TransportError("TRA-030", f"the broker is out of reach: {type(error).__name__}")
