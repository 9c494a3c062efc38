"""Notes of the de-identifier about erased events whose records are still to be removed from the disks.

Purpose: read the topic `erasures`, and clear what was carried out.
Called by: `amana.composition.erasures`, `amana erase status`.

Invariants:
- A note names no event: it has a keyed hash in its key, and the SHA-256 of the event id.
- Each request has a note of its own: to clear one that was carried out clears no later one of the same event.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from kafka.errors import KafkaError

from connectors.adapters import topic_reading
from connectors.adapters.cluster import Cluster
from schemas.errors import TransportError
from streams.broker import topics
from streams.core.counting import erasure

__all__ = ["ErasureNote", "read"]


@dataclass(frozen=True, slots=True)
class ErasureNote:
    """One request that was taken.

    Args:
        key: the key of the note.
        agency: the agency that asked.
        kind: kind of the event.
        digest: SHA-256 of the event id.
        markers: partition and key of each record that told dedupe, as `2/KEY`.
        at_ms: when the hub took the request, in milliseconds since 1970.
    """

    key: str
    agency: str
    kind: str
    digest: str
    markers: tuple[str, ...]
    at_ms: int

    @property
    def event(self) -> str:
        """The state key of the event, a keyed hash."""
        return erasure.event_of_note(self.key)

    @property
    def tombstones(self) -> Iterable[tuple[str, int, bytes, None]]:
        """The tombstones of the records that told dedupe: topic, partition, key, no value."""
        for marker in self.markers:
            partition, _, key = marker.partition("/")
            yield topics.deidentified(self.kind), int(partition), key.encode(), None


def read(cluster: Cluster) -> list[ErasureNote]:
    """Return the notes of all requests whose records were not removed yet, in their order.

    Args:
        cluster: access as the operator.

    Raises:
        TransportError: TRA-030, the broker is out of reach.
    """
    held: dict[bytes, ErasureNote] = {}
    try:
        for record in topic_reading.whole(cluster.kafka_settings(), topics.ERASURES):
            held.pop(record.key, None)
            if record.value is not None:
                key = record.key.decode()
                fields = cluster.seal.read("erased", record.value, topics.ERASURES, key)
                agency, kind, digest = fields["agency"], fields["kind"], fields["digest"]
                held[record.key] = ErasureNote(key, agency, kind, digest, tuple(fields["markers"]), record.timestamp)
    except KafkaError as error:
        raise TransportError("TRA-030", "the broker is out of reach") from error
    return list(held.values())
