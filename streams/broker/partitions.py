"""Where a record of ours goes: the partition is a function of its key alone.

Decides the partition of every record the streams make. Does not decide how many partitions a topic has: that stands
in `streams.broker.topics`, and never changes within one generation of topics.
"""

import zlib

__all__ = ["partition_of"]


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of `key`, from 0 to `partitions` - 1: its CRC-32, unsigned, modulo the count."""
    return zlib.crc32(key) % partitions
