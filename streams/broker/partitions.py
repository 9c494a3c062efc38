"""The partitioner: the partition of a record, from its key alone.

Purpose: one rule by which all senders choose a partition.
Called by: `streams.stages.dedupe`, `streams.stages.deidentify_outputs` and `connectors.ingest.event.envelope`, for
every record that they send to a keyed topic.

Invariants:
- Equal keys give equal partitions, whoever sends: the number of partitions of a topic (`streams.broker.topics`) never
  changes within one generation of topics.
"""

import zlib

__all__ = ["partition_of"]


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of `key`, from 0 to `partitions` - 1: its CRC-32, unsigned, modulo the count."""
    # Not Kafka's own murmur2: the stages are the only writers, and CRC-32 is in the standard library, in C.
    return zlib.crc32(key) % partitions
