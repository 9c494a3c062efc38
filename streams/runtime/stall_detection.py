"""Which partitions stand still: something is there to read, and what is handled has not moved.

Decides when a worker is of no use where it is. Does not end it: that is `streams.runtime.watchdog`'s part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["StallState", "look", "stalled"]

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class StallState(Generic[P]):
    """Since when each partition with something to read is where it is: position, and instant in seconds."""

    since: Mapping[P, tuple[int, float]]


def look(before: StallState[P], handled: Mapping[P, int], ends: Mapping[P, int], *, instant: float) -> StallState[P]:
    """Return the standing at `instant`.

    Args:
        before: The standing at the last look.
        handled: The next offset to handle of each partition that this worker has.
        ends: The offset behind the last record that the broker has, as far as it is known.
        instant: Seconds of a clock that only goes forward.
    """
    behind = {one: at for one, at in handled.items() if ends.get(one, at) > at}
    return StallState(
        {
            one: known if (known := before.since.get(one)) is not None and known[0] == at else (at, instant)
            for one, at in behind.items()
        }
    )


def stalled(standing: StallState[P], *, instant: float, patience: float) -> tuple[P, ...]:
    """Return the partitions that have stood still for `patience` seconds or longer."""
    return tuple(one for one, (_, since) in standing.since.items() if instant - since >= patience)
