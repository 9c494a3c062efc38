"""The form of a state value on its changelog: the offset that ranks it in clear, then the value itself.

Purpose: let a restore rank the values of one key without opening them.
Called by: `streams.runtime.state`, the stages, and `connectors.adapters.cells_topic`, which reads the topic `cells`.

Invariants:
- Of two values of one key, the one with the higher `through` includes the other.

>>> through_of(prefixed(17, b"sealed")), prefixed(17, b"sealed")[WIDTH:]
(17, b'sealed')
"""

from typing import Final

__all__ = ["WIDTH", "prefixed", "through_of"]

WIDTH: Final = 8
"""Bytes of `through` before every value."""


def prefixed(through: int, payload: bytes) -> bytes:
    """Put `through`, an offset or -1 for none yet, before `payload` as 8 bytes, big-endian."""
    return through.to_bytes(WIDTH, "big", signed=True) + payload


def through_of(value: bytes) -> int:
    """Read the offset that `prefixed` put before a payload."""
    return int.from_bytes(value[:WIDTH], "big", signed=True)
