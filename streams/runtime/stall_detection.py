"""Stall detection: the partitions that have something to read and whose progress has not moved.

Purpose: decides when a worker is of no use, from progress, ends and instants alone.

Called by: `streams.runtime.watchdog`, which reads the clock and ends the process.

Invariants:
- A partition without a lag never stalls, and neither does one whose end is not known.
- Any move of a partition's progress begins its time anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["StallState", "look", "stalled"]

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class StallState(Generic[P]):
    """The position of each partition with a lag, and the instant (seconds) since which it has been there."""

    since: Mapping[P, tuple[int, float]]


def look(before: StallState[P], handled: Mapping[P, int], ends: Mapping[P, int], *, instant: float) -> StallState[P]:
    """Return the state at `instant`.

    Args:
        before: The state at the last look.
        handled: The next offset to handle of each partition that this worker has.
        ends: The offset behind the last record that the broker has, as far as it is known.
        instant: Seconds of a clock that only goes forward.
    """
    lagging = {partition: offset for partition, offset in handled.items() if ends.get(partition, offset) > offset}
    return StallState(
        {
            partition: last
            if (last := before.since.get(partition)) is not None and last[0] == offset
            else (offset, instant)
            for partition, offset in lagging.items()
        }
    )


def stalled(state: StallState[P], *, instant: float, patience: float) -> tuple[P, ...]:
    """Return the partitions that have stood still for `patience` seconds or longer."""
    return tuple(partition for partition, (_, since) in state.since.items() if instant - since >= patience)
