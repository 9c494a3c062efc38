"""The number of published records that came out of the de-identifier, read from the topics as the operator.

Purpose: count from the topics themselves, so that the report rests on no stage's own count.
Called by: `amana.demo.run`.

Invariants:
- A record is counted once, however often a crash made the stage send it again.
- A `moved` note, which the stage adds when a correction changes the person, is not a record of its own.
"""

from kafka.errors import KafkaError

from connectors.adapters import topic_reading
from connectors.adapters.cluster import Cluster
from schemas import catalogue
from schemas.errors import TransportError

__all__ = ["count"]


def count(cluster: Cluster) -> int:
    """Return the number of distinct raw records behind all of `deidentified.*`.

    Raises:
        TransportError: TRA-062, the broker is out of reach.
    """
    return sum(len(_positions(cluster, kind)) for kind in catalogue.KINDS)


def _positions(cluster: Cluster, kind: str) -> set[tuple[str, int, int]]:
    """Return agency, partition and offset of every raw record that was de-identified."""
    stem = f"deidentified.{kind}"
    positions: set[tuple[str, int, int]] = set()
    try:
        for record in topic_reading.whole(cluster.kafka_settings(), stem):
            if record.value is None:
                continue  # a tombstone of an erased event
            event = cluster.seal.read(stem, record.value, stem, record.key.decode())
            if event["state"] not in {"moved", "erased"}:
                positions.add((event["agency"], event["source_partition"], event["source_offset"]))
    except KafkaError as error:
        raise TransportError("TRA-062", "the broker is out of reach") from error
    return positions
