"""The fetch scheduler: the partitions that may be fetched from next, so that none waits for ever behind the others.

Purpose: decides by the fetches that are not handled yet. Faust's own rule lets a partition go on only when its queue is
almost empty, one partition at a time: with seven partitions or more, some were read again only when all others had
ended.

Called by: `streams.runtime.transport.BatchConsumer`.

Invariants:
- At most `AT_ONCE` fetches wait or are in work, and at most `EACH` of one partition.
- Fetches of one partition are handled in their order.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Generic, TypeVar

__all__ = ["AT_ONCE", "EACH", "FetchScheduler"]

AT_ONCE = 8
"""Fetches that may wait or be in work when more are asked for: each is held in memory."""

EACH = 2
"""Fetches of one partition: one in work, and the next."""

P = TypeVar("P")


class FetchScheduler(Generic[P]):
    """The last offsets of the fetches that are not handled yet, ascending, by partition."""

    def __init__(self) -> None:
        self._waiting: defaultdict[P, list[int]] = defaultdict(list)

    def fetched(self, partition: P, last: int) -> None:
        """Note a fetch that ends with the offset `last`."""
        self._waiting[partition].append(last)

    def handled(self, partition: P, last: int) -> None:
        """Note that all records up to the offset `last` are handled."""
        rest = [offset for offset in self._waiting.get(partition, ()) if offset > last]
        if rest:
            self._waiting[partition] = rest
        else:
            self._waiting.pop(partition, None)

    def clear(self) -> None:
        """Forget all fetches: after a rebalance they are given back."""
        self._waiting.clear()

    def of(self, partitions: Iterable[P]) -> set[P]:
        """Return those of `partitions` that may be fetched from; none while `AT_ONCE` fetches wait."""
        if sum(map(len, self._waiting.values())) >= AT_ONCE:
            return set()
        return {partition for partition in partitions if len(self._waiting.get(partition, ())) < EACH}
